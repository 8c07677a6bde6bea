import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { inputLayer, lowerText, refusal, runText, tensor } from "../support/net.js";

describe("Pooling", () => {
  it("refuses a blob that does not have 4 axes", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 2, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 } }`,
      ),
    ).to.equal('net:2:43: layer "l": bottom "x" [1,2,6] does not have 4 axes');
  });

  it("refuses kernel_size together with kernel_h and kernel_w", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 kernel_h: 2 kernel_w: 2 } }`,
      ),
    ).to.equal('net:2:85: layer "l": give kernel_size, or both kernel_h and kernel_w');
  });

  it("ignores kernel_h without kernel_w beside kernel_size, as Caffe does", () => {
    for (const side of ["kernel_h", "kernel_w"]) {
      const text = `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 ${side}: 3 } }`;
      expect(lowerText(text).blobs.get("y")!.type.shape).to.deep.equal([1, 1, 5, 5]);
    }
  });

  it("refuses to go without a kernel", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { stride: 2 } }`,
      ),
    ).to.equal('net:2:56: layer "l": give kernel_size, or both kernel_h and kernel_w');
  });

  it("refuses kernel_h without kernel_w", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_h: 2 } }`,
      ),
    ).to.equal('net:2:82: layer "l": kernel_h and kernel_w go together');
  });

  it("refuses a kernel of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 0 } }`,
      ),
    ).to.equal('net:2:85: layer "l": kernel dimensions must be greater than 0');
  });

  it("refuses global_pooling together with a kernel", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { global_pooling: true kernel_size: 2 } }`,
      ),
    ).to.equal(
      'net:2:88: layer "l": with global_pooling the kernel is the whole input; kernel_size cannot be given too',
    );
  });

  it("refuses global_pooling with a stride", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { global_pooling: true stride: 2 } }`,
      ),
    ).to.equal('net:2:88: layer "l": with global_pooling only pad 0 and stride 1 are possible');
  });

  it("refuses pad together with pad_h and pad_w", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 pad: 1 pad_h: 1 pad_w: 1 } }`,
      ),
    ).to.equal('net:2:92: layer "l": give pad, or both pad_h and pad_w');
  });

  it("refuses pad_h without pad_w", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 pad_h: 1 } }`,
      ),
    ).to.equal('net:2:94: layer "l": give pad, or both pad_h and pad_w');
  });

  it("refuses stride_w without stride_h", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 stride_w: 1 } }`,
      ),
    ).to.equal('net:2:97: layer "l": give stride, or both stride_h and stride_w');
  });

  it("refuses a pad that is not smaller than the kernel", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 pad: 2 } }`,
      ),
    ).to.equal('net:2:92: layer "l": pad [2,2] must be smaller than the kernel [2,2]');
  });

  it("refuses padding for STOCHASTIC", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 3 pad: 1 pool: STOCHASTIC } }`,
      ),
    ).to.equal('net:2:92: layer "l": padding is for MAX and AVE pooling only');
  });

  it("refuses a kernel that leaves no window", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 3, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 5 } }`,
      ),
    ).to.equal('net:2:85: layer "l": the kernel [5,5] does not fit into [3,6] with pad [0,0] and stride [1,1]');
  });

  it("refuses a mask for AVE", () => {
    expect(
      refusal(
        `${inputLayer("x", 1, 1, 6, 6)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { pool: AVE kernel_size: 2 } }`,
      ),
    ).to.equal('net:2:90: layer "l": only MAX pooling has a second top, the mask');
  });

  const stochastic = (kernel: number) =>
    `${inputLayer("x", 1, 1, 2, 3)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { pool: STOCHASTIC kernel_size: ${kernel} stride: 2 } }`;
  const x = tensor([1, 0, 2, 0, 3, 0], [1, 1, 2, 3]);

  it("weights a window's entries by themselves in STOCHASTIC's TEST phase, windows clipped to the input", async () => {
    const { blobs } = await runText(stochastic(2), { x });
    expect(blobs["y"]).to.deep.equal(tensor([2.5, 2], [1, 1, 1, 2]));
  });

  it("draws a window's entries in proportion to themselves in STOCHASTIC's TRAIN phase, zeros never", async () => {
    await using net = await Net.load(stochastic(2), { name: "net", phase: "TRAIN" });
    const counts = new Map<number, number>();
    for (let i = 0; i < 400; i++) {
      const [first, second] = (await net.forward({ x }))["y"]!.data;
      counts.set(first!, (counts.get(first!) ?? 0) + 1);
      expect(second).to.equal(2);
    }
    expect([...counts.keys()].sort()).to.deep.equal([1, 3]);
    // 400 draws at 3/4: 300 with a deviation of 8.7.
    expect(counts.get(3)).to.be.within(260, 340);
  });

  it("sends STOCHASTIC's gradient to the entry that was drawn", async () => {
    await using net = await Net.load(stochastic(2), { name: "net", phase: "TRAIN" });
    const { y } = await net.forward({ x });
    const gradients = await net.backward({ y: tensor([5, 7], [1, 1, 1, 2]) });
    const drawn = y!.data[0] === 1 ? 0 : 4;
    expect([...gradients["x"]!.data]).to.deep.equal([0, 1, 2, 3, 4, 5].map((i) => (i === drawn ? 5 : i === 2 ? 7 : 0)));
  });

  it("gives 0 for a window of zeros in both phases of STOCHASTIC", async () => {
    for (const phase of ["TRAIN", "TEST"] as const) {
      const { blobs } = await runText(stochastic(2), { x: tensor([0, 0, 0, 0, 0, 0], [1, 1, 2, 3]) }, { phase });
      expect([...blobs["y"]!.data]).to.deep.equal([0, 0]);
    }
  });

  it("rounds up a kernel that is larger than the input to one clipped window", async () => {
    const text = `${inputLayer("x", 1, 1, 2, 3)}layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { pool: AVE kernel_size: 4 stride: 3 } }`;
    const { blobs } = await runText(text, { x });
    expect(blobs["y"]).to.deep.equal(tensor([1], [1, 1, 1, 1]));
  });
});
