import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { decode } from "../../lib/caffe/message.js";
import { readSideState } from "../../lib/train/side-state.js";
import { Solver } from "../../lib/train/solver.js";
import { failure } from "../support/failure.js";

const IMAGES = 10;

describe("a solver", () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "netrun-solver-"));
    const lines: string[] = [];
    for (let i = 0; i < IMAGES; i++) {
      const pixels = Uint8Array.from({ length: 64 }, (_, j) => (i * 37 + j * (i + 3)) % 256);
      const path = join(folder, `${i}.png`);
      await sharp(pixels, { raw: { width: 8, height: 8, channels: 1 } }).toFile(path);
      lines.push(`${path} ${i % 3}`);
    }
    writeFileSync(join(folder, "list.txt"), lines.join("\n"));
    writeFileSync(
      join(folder, "net.prototxt"),
      `layer {
         name: "data" type: "ImageData" top: "data" top: "label" transform_param { scale: 0.01 }
         image_data_param { source: "${join(folder, "list.txt")}" batch_size: 4 shuffle: true is_color: false }
       }
       layer {
         name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
         inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
       }
       layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`,
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  const load = (fields = "", snapshot?: string) =>
    Solver.load(
      `net: "${join(folder, "net.prototxt")}" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 5
       snapshot_prefix: "${join(folder, "snap")}" ${fields}`,
      { snapshot },
    );
  const weights = (solver: Solver) => [...solver.net.params.get("ip")![0]!.data];

  it("goes on to the bit in the middle of a shuffled epoch", async () => {
    await using straight = await load();
    await straight.step(12);
    await using first = await load();
    await first.step(6);
    const { state } = await first.snapshot();
    await using second = await load("", state);
    await second.step(6);
    expect(weights(second)).to.deep.equal(weights(straight));
  });

  it("has its test nets as nets, with the parameters that training has come to", async () => {
    await using solver = await load("test_iter: 2 test_interval: 100 test_initialization: false");
    const [test, ...others] = await solver.testNets();
    expect(others).to.deep.equal([]);
    expect(test!.phase).to.equal("TEST");
    for (let i = 0; i < 2; i++) {
      await solver.step(3);
      expect(await solver.testNets()).to.deep.equal([test]);
      expect([...test!.params.get("ip")![0]!.data]).to.deep.equal(weights(solver));
      const input = { data: { shape: [1, 1, 8, 8], data: new Float32Array(64).fill(0.5) } };
      const { ip } = await test!.forward({ ...input, label: { shape: [1], data: new Float32Array(1) } });
      const of = await solver.net.forward({ ...input, label: { shape: [1], data: new Float32Array(1) } });
      ip!.data.forEach((value, j) => {
        expect(value).to.be.closeTo(of["ip"]!.data[j]!, 1e-5);
      });
    }
  });

  it("is where it was after a look ahead that failed", async () => {
    const images = Array.from({ length: 16 }, (_, i) => `${join(folder, `${i % 10}.png`)} 0`);
    // The look ahead, of two batches, takes the first of them and fails in the second.
    images[13] = `${join(folder, "net.prototxt")} 0`;
    writeFileSync(join(folder, "broken.txt"), images.join("\n"));
    const net = readFileSync(join(folder, "net.prototxt"), "utf8");
    writeFileSync(
      join(folder, "broken.prototxt"),
      net.replace("list.txt", "broken.txt").replace("shuffle: true", "shuffle: false"),
    );
    await using solver = await Solver.load(
      `net: "${join(folder, "broken.prototxt")}" base_lr: 0.01 lr_policy: "fixed" iter_size: 2 random_seed: 5`,
    );
    await solver.step(1);
    await failure(solver.lossAhead(), "net.prototxt");
    const { state } = await solver.snapshot(join(folder, "ahead"));
    expect(readSideState(state, 1)!.positions).to.deep.equal([8]);
  });

  it("starts from the weights that its prototxt names", async () => {
    await using first = await load();
    await first.step(3);
    const { model } = await first.snapshot();
    await using second = await load(`weights: "${model}"`);
    expect(weights(second)).to.deep.equal(weights(first));
    expect(second.iteration).to.equal(0);
  });

  it("writes the gradients too where snapshot_diff asks for them", async () => {
    await using solver = await load("snapshot_diff: true");
    await solver.step(1);
    const { model } = await solver.snapshot();
    const [ip] = decode("NetParameter", readFileSync(model)).layer.filter(({ name }) => name === "ip");
    expect([...ip!.blobs[0]!.diff]).to.deep.equal([...solver.net.params.get("ip")![0]!.diff]);
    expect(ip!.blobs[0]!.diff.some((value) => value !== 0)).to.equal(true);
  });
});
