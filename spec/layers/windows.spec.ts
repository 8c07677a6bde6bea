import { expect } from "chai";
import { inputLayer, lowerText, refusal, runText, tensor } from "../support/net.js";

const WIDTH = 3;
const KERNEL = 4;

/** Caffe's number of windows: C++ divides ints towards 0. */
const windows = (size: number, kernel: number, stride: number) => Math.trunc((size - kernel) / stride) + 1;

const layer = (type: string, param: string) =>
  `${inputLayer("x", 1, 1, WIDTH)}layer { name: "l" type: "${type}" bottom: "x" top: "y" convolution_param { kernel_size: ${KERNEL} ${param} } }`;
const row = (values: readonly number[]) => tensor(values, [1, 1, values.length]);

describe("a kernel that is larger than its bottom by less than a stride has one window, as C++ divides:", () => {
  const x = [1, -2, 3];
  const w = [0.5, 2, -1, 7];

  it("Convolution, whose last weights meet zeros", async () => {
    const text = layer("Convolution", "num_output: 1 stride: 2 bias_term: false");
    const options = { params: { "l/0": w }, seeds: { y: row([2]) } };
    const { blobs, gradients, parameters } = await runText(text, { x: row(x) }, options);
    expect(windows(WIDTH, KERNEL, 2)).to.equal(1);
    let y = 0;
    for (let k = 0; k < KERNEL; k++) y += k < WIDTH ? w[k]! * x[k]! : 0;
    expect(blobs["y"]).to.deep.equal(row([y]));
    expect([...gradients["x"]!.data]).to.deep.equal(w.slice(0, WIDTH).map((each) => 2 * each));
    expect([...parameters["l/0"]!]).to.deep.equal([...x.map((each) => 2 * each), 0]);
  });

  it("Convolution with pads, on one axis of two", () => {
    const text = `${inputLayer("x", 1, 1, 6, 2)}layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 1 kernel_size: 6 stride: 3 pad: 1 } }`;
    expect(lowerText(text).blobs.get("y")!.type.shape).to.deep.equal([
      1,
      1,
      windows(6 + 2, 6, 3),
      windows(2 + 2, 6, 3),
    ]);
    expect(windows(2 + 2, 6, 3)).to.equal(1);
  });

  it("Im2col, which has zeros for what is beyond the bottom", async () => {
    const seeds = { y: tensor([1, 2, 3, 4], [1, KERNEL, 1]) };
    const { blobs, gradients } = await runText(layer("Im2col", "stride: 2"), { x: row(x) }, { seeds });
    expect(blobs["y"]).to.deep.equal(tensor([...x, 0], [1, KERNEL, 1]));
    expect([...gradients["x"]!.data]).to.deep.equal([1, 2, 3]);
  });

  it("Deconvolution, whose windows are its bottom's entries", async () => {
    const stride = 5;
    const size = stride * (WIDTH - 1) + KERNEL;
    expect(windows(size, KERNEL, stride)).to.equal(WIDTH);
    const text = layer("Deconvolution", `num_output: 1 stride: ${stride} bias_term: false`);
    const dy = Array.from({ length: size }, (_, i) => i - 3);
    const options = { params: { "l/0": w }, seeds: { y: row(dy) } };
    const { blobs, gradients } = await runText(text, { x: row(x) }, options);
    const y = Array<number>(size).fill(0);
    const dx = Array<number>(WIDTH).fill(0);
    for (let i = 0; i < WIDTH; i++) {
      for (let k = 0; k < KERNEL; k++) {
        y[i * stride + k]! += x[i]! * w[k]!;
        dx[i]! += dy[i * stride + k]! * w[k]!;
      }
    }
    expect(blobs["y"]).to.deep.equal(row(y));
    expect([...gradients["x"]!.data]).to.deep.equal(dx);
  });

  it("and is refused if it has none", () => {
    expect(windows(WIDTH, KERNEL, 1)).to.equal(0);
    for (const type of ["Convolution", "Im2col"]) {
      expect(refusal(layer(type, "num_output: 1 stride: 1"))).to.include("the kernel covers 4 entries of axis 2");
    }
  });
});
