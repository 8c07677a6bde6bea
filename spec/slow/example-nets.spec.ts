import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import sharp from "sharp";
import { cli } from "../support/cli.js";
import { hasShared, root, sharedPath } from "../support/shared.js";

const start = promisify(execFile);
const page = readFileSync(join(root, "docs/examples.md"), "utf8");

/** The command lines of docs/examples.md, with the scores that it says. */
describe("the examples", () => {
  let folder: string;
  const before_ = process.cwd();
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-examples-"));
    for (const name of ["models", "examples"]) symlinkSync(join(root, name), join(folder, name));
    process.chdir(folder);
  });
  after(() => {
    process.chdir(before_);
    rmSync(folder, { recursive: true });
  });

  /** Checks that the page has a command as it is run here. */
  const isWritten = (line: string) => expect(page.split("\n")).to.include(line);

  async function netrun(line: string): Promise<string> {
    if (!line.includes(sharedPath())) isWritten(`netrun ${line}`);
    const { status, stdout, stderr } = await cli(...line.split(" "));
    expect([line, status, stderr]).to.deep.equal([line, 0, stderr]);
    return stdout;
  }
  async function node(line: string): Promise<string> {
    isWritten(`node ${line}`);
    return (await start(process.execPath, line.split(" "), { cwd: folder })).stdout;
  }
  /** The last value of an output of tests. */
  const last = (text: string, output: string) =>
    Number([...text.matchAll(new RegExp(`${output} = ([\\d.]+)`, "g"))].at(-1)?.[1]);

  const datasets = {
    "netrun's digits": "",
    "real digits of MNIST": ` --data ${sharedPath("zoo", "mnist", "mnist_train_lmdb")} --test-data ${sharedPath("zoo", "mnist", "mnist_test_lmdb")}`,
  };
  for (const [name, data] of Object.entries(datasets)) {
    const least = data === "" ? { convolution: 0.97, belief: 0.96 } : { convolution: 0.95, belief: 0.93 };

    it(`MNIST by convolution, on ${name}`, async function () {
      if (data !== "" && !hasShared()) this.skip();
      const text = await netrun(`train examples/mnist-convolution/solver.prototxt${data}`);
      expect(last(text, "accuracy")).to.be.at.least(least.convolution);
    });

    it(`MNIST by a deep-belief net, on ${name}`, async function () {
      if (data !== "" && !hasShared()) this.skip();
      const [own] = data.split(" --test-data");
      await netrun(
        `pretrain models/mnist-dbn/solver.prototxt --iterations 300 -o dbn.caffemodel --picture dbn.png${own}`,
      );
      // Lines of data, reconstructions, samples and 64 weights.
      expect((await sharp("dbn.png").metadata()).height).to.equal(2 * (7 * 30 + 2));
      const text = await netrun(`train models/mnist-dbn/solver.prototxt --weights dbn.caffemodel${data}`);
      expect(last(text, "accuracy")).to.be.at.least(least.belief);
    });
  }

  it("the deep-belief net without its pretraining, which trains nothing", async () => {
    const text = await netrun("train models/mnist-dbn/solver.prototxt --max-iter 400 --no-snapshot-after-train");
    expect(last(text, "accuracy")).to.be.below(0.2);
  });

  it("a deep autoencoder, with reconstructions as a picture", async () => {
    const solver = "examples/mnist-autoencoder/solver.prototxt";
    await netrun(`pretrain ${solver} --iterations 300 -o autoencoder.caffemodel`);
    await netrun(`train ${solver} --weights autoencoder.caffemodel`);
    const weights = "snapshots/mnist-autoencoder_iter_800.caffemodel";
    const text = await node(`examples/mnist-autoencoder/reconstruct.mjs ${weights} reconstructions.png`);
    expect(Number(/pixel: ([\d.]+)/.exec(text)![1])).to.be.below(0.018);
    expect((await sharp("reconstructions.png").metadata()).width).to.equal(2 * (16 * 30 + 2));
  });

  it("faces in the form of Labeled Faces in the Wild", async () => {
    await node("examples/faces/draw.mjs faces");
    const text = await netrun("train examples/faces/solver.prototxt --data faces/train --test-data faces/test");
    expect(last(text, "accuracy")).to.be.at.least(0.93);
  });

  for (const type of ["LSTM", "RNN"]) {
    it(`characters by ${type}`, async () => {
      const text = await node(`examples/characters/train.mjs ${type}`);
      expect(Number(/: ([\d.]+) bits a character\n(?!iteration)/.exec(text)![1])).to.be.below(0.3);
      const [, known, all] = /(\d+) of (\d+) words are in the text/.exec(text)!;
      expect(Number(known)).to.be.at.least(0.9 * Number(all));
    });
  }

  it("a recursive autoencoder over trees of any shape", async () => {
    const text = await node("examples/trees/train.mjs");
    expect(Number(/([\d.]+) % of the leaves/.exec(text)![1])).to.be.at.least(97);
  });
});
