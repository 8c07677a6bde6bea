import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { convert, Net, NetrunError, type Tensor } from "../../lib/index.js";

const tensor = (shape: readonly number[], ...values: number[]): Tensor => ({ shape, data: Float32Array.from(values) });

const LINE = `name: "line"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
`;

async function line(): Promise<Net> {
  const net = await Net.load(LINE);
  const [w, b] = net.params.get("ip")!;
  w!.data.set([1, 2]);
  b!.data.set([0.5]);
  return net;
}

async function errorOf(action: () => Promise<unknown>): Promise<NetrunError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof NetrunError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("Net", () => {
  it("lists its inputs, outputs, shapes and parameters", async () => {
    await using net = await line();
    expect(net.inputs).to.deep.equal(["x"]);
    expect(net.outputs).to.deep.equal(["y"]);
    expect([...net.shapes]).to.deep.equal([
      ["x", [2, 2]],
      ["y", [2, 1]],
    ]);
    expect(net.params.get("ip")!.map(({ shape }) => shape)).to.deep.equal([[1, 2], [1]]);
  });

  it("gives every blob by name, and the last value of one that layers change in place", async () => {
    await using net = await line();
    const blobs = await net.forward({ x: tensor([2, 2], 1, 1, -3, 1) });
    expect(blobs["y"]).to.deep.equal(tensor([2, 1], 3.5, 0));
    expect(Object.keys(blobs)).to.deep.equal(["x", "y"]);
  });

  it("reads parameters anew at every forward", async () => {
    await using net = await line();
    net.params.get("ip")![1]!.data[0] = 10;
    expect((await net.forward({ x: tensor([2, 2], 1, 1, 0, 0) }))["y"]!.data).to.deep.equal(Float32Array.of(13, 10));
  });

  it("reshapes for inputs of another shape", async () => {
    await using net = await line();
    await net.forward({ x: tensor([2, 2], 1, 1, 0, 0) });
    const { y } = await net.forward({ x: tensor([1, 2], 1, 0) });
    expect(y).to.deep.equal(tensor([1, 1], 1.5));
    expect(net.shapes.get("y")).to.deep.equal([1, 1]);
  });

  it("goes backward from the gradient of a top, to inputs and parameters", async () => {
    await using net = await line();
    await net.forward({ x: tensor([2, 2], 1, 1, -3, 1) });
    const { x } = await net.backward({ y: tensor([2, 1], 1, 1) });
    expect(x).to.deep.equal(tensor([2, 2], 1, 2, 0, 0));
    const [w, b] = net.params.get("ip")!;
    expect([...w!.diff, ...b!.diff]).to.deep.equal([1, 1, 1]);
  });

  it("writes weights that it reads back, and leaves no temporary file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-net-"));
    try {
      const path = join(folder, "line.caffemodel");
      await using net = await line();
      await net.save(path);
      await using again = await Net.load(LINE, { weights: path });
      expect(again.params.get("ip")!.map(({ data }) => [...data])).to.deep.equal([[1, 2], [0.5]]);
      expect(readdirSync(folder)).to.deep.equal(["line.caffemodel"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("fills parameters the same way for the same seed", async () => {
    const xavier = LINE.replace("num_output: 1", 'num_output: 1 weight_filler { type: "xavier" }');
    const weights = async (seed: number) => {
      await using net = await Net.load(xavier, { seed });
      return [...net.params.get("ip")![0]!.data];
    };
    expect(await weights(3)).to.deep.equal(await weights(3));
    expect(await weights(3)).not.to.deep.equal(await weights(4));
  });

  it("says which input is missing, misnamed or does not fill its shape", async () => {
    await using net = await line();
    expect((await errorOf(() => net.forward())).message).to.equal('input "x" [2,2] is missing');
    const misnamed = await errorOf(() => net.forward({ X: tensor([2, 2], 0, 0, 0, 0) }));
    expect([misnamed.message, ...misnamed.notes]).to.deep.equal(['the net has no input "X"', 'did you mean "x"?']);
    const short = await errorOf(() => net.forward({ x: tensor([2, 2], 0, 0) }));
    expect(short.message).to.equal('input "x" has 2 values, which do not fill its shape [2,2]');
  });

  it("refuses backward before forward, and gradients that are no blob's", async () => {
    await using net = await line();
    expect((await errorOf(() => net.backward())).message).to.equal("backward needs a forward before it");
    await net.forward({ x: tensor([2, 2], 1, 1, 1, 1) });
    const wrong = await errorOf(() => net.backward({ y: tensor([1, 2], 1, 1) }));
    expect(wrong.message).to.equal('the gradient of "y" is [1,2] with 2 values, the blob is [2,1]');
  });

  it("runs a converted file, which has no gradients", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-"));
    try {
      const path = join(folder, "line.onnx");
      const { model } = await convert(LINE, [], { allowMissing: true });
      writeFileSync(path, model);
      await using net = await Net.load(path);
      expect([net.inputs, net.outputs]).to.deep.equal([["x"], ["y"]]);
      await using original = await Net.load(LINE);
      const x = tensor([3, 2], 1, 2, 3, 4, 5, 6);
      expect((await net.forward({ x }))["y"]).to.deep.equal((await original.forward({ x }))["y"]);
      expect(net.shapes.get("y")).to.deep.equal([3, 1]);
      const error = await errorOf(() => net.backward({ y: tensor([3, 1], 1, 1, 1) }));
      expect(error.message).to.equal("a converted file has no gradients");
      const wrong = await errorOf(() => net.forward({ x: tensor([1, 3], 1, 2, 3) }));
      expect(wrong.message).to.equal('input "x" is [1,3], the model takes [N,2]');
      const saving = await errorOf(() => net.save(join(folder, "line.caffemodel")));
      expect(saving.message).to.equal("a converted file has no layers of Caffe's and cannot be saved as a .caffemodel");
      expect((await errorOf(() => Net.load(path, { phase: "TRAIN" }))).message).to.equal(
        "a converted file is for inference only",
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
