import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { tableFromIPC } from "apache-arrow";
import { expect } from "chai";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import sharp from "sharp";
import { Net } from "../../lib/api/net.js";
import { cli } from "../support/cli.js";
import { describeShared, root, sharedPath } from "../support/shared.js";
import { writeRestless } from "../support/training.js";

const DEPLOY = join(root, "models", "lenet", "deploy.prototxt");

describe("verbs", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-verbs-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => join(folder, name);

  describe("extract", () => {
    const WEIGHTS = () => file("lenet.caffemodel");
    let expected: number[];
    before(async () => {
      await using net = await Net.load(DEPLOY, { data: "netrun:digits/test", batchSize: 30 });
      await net.save(WEIGHTS());
      expected = [...(await net.forward({}, { blobs: ["ip2", "prob"] }))["prob"]!.data];
    });
    const extract = (name: string) =>
      cli(
        ...["extract", "-model", DEPLOY, "-weights", WEIGHTS(), "--data", "netrun:digits/test", "--batch-size", "30"],
        ...["--iterations", "1", "--blobs", "ip2,prob", "-o", file(name)],
      );

    it("writes a row an input: Arrow", async () => {
      expect((await extract("f.arrow")).stdout).to.equal(`${file("f.arrow")}: 30 rows of ip2 [10], prob [10]\n`);
      const table = tableFromIPC(readFileSync(file("f.arrow")));
      expect(table.schema.fields.map(({ name }) => name)).to.deep.equal(["ip2", "prob"]);
      const rows = Array.from(table.getChild("prob")!, (row) => [...row]);
      expect(rows.flat()).to.deep.equal(expected);
    });

    it("writes a row an input: Parquet", async () => {
      await extract("f.parquet");
      const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file("f.parquet")) });
      expect(rows.flatMap((row) => [...(row["prob"] as number[])])).to.deep.equal(expected);
    });

    it("writes a row an input: CSV", async () => {
      await extract("f.csv");
      const [head, ...rows] = readFileSync(file("f.csv"), "utf8").trimEnd().split("\n");
      expect(head!.split(",").slice(10, 12)).to.deep.equal(["prob_0", "prob_1"]);
      expect(rows.flatMap((row) => row.split(",").slice(10).map(Number))).to.deep.equal(expected);
    });

    it("writes the same bytes with several workers", async () => {
      const all = [
        ...["extract", "-model", DEPLOY, "-weights", WEIGHTS(), "--data", "netrun:digits/test", "--batch-size", "300"],
        ...["--blobs", "prob"],
      ];
      await cli(...all, "-o", file("alone.arrow"));
      const { stdout } = await cli(...all, "-o", file("shared.arrow"), "--workers", "2");
      expect(stdout).to.equal(`${file("shared.arrow")}: 2000 rows of prob [10]\n`);
      expect(readFileSync(file("shared.arrow")).equals(readFileSync(file("alone.arrow")))).to.equal(true);
    });

    it("refuses a blob that is not there, and another kind of file", async () => {
      const wrong = await cli("extract", "-model", DEPLOY, "-weights", WEIGHTS(), "--blobs", "x", "-o", file("f.mat"));
      expect(wrong.stderr).to.contain("give it the ending .arrow, .parquet or .csv");
      const blob = await cli(
        ...["extract", "-model", DEPLOY, "-weights", WEIGHTS(), "--data", "netrun:digits/test", "--blobs", "porb"],
        ...["-o", file("f.csv")],
      );
      expect(blob.stderr).to.contain('did you mean "prob"?');
    });
  });

  it("time shows each layer forward and backward, the step, images/s and GFLOP/s", async () => {
    const net = join(root, "models", "lenet", "train_test.prototxt");
    const { stdout } = await cli("time", "-model", net, "-iterations", "2");
    expect(stdout).to.match(/^conv1 +[\d.]+ ms +[\d.]+ ms +[\d.]+ %$/m);
    expect(stdout).to.match(/^ +ip2 +[\d.]+ ms +[\d.]+ ms/m);
    expect(stdout).to.match(/^Average Step: [\d.]+ ms, [\d.]+ images\/s, [\d.]+ GFLOP\/s forward-backward$/m);
    expect(stdout).to.match(/^Outside onnxruntime: [\d.]+ ms of a step, [\d.]+ %$/m);
  });

  it("device_query lists the devices that work", async () => {
    const { stdout, status } = await cli("device_query");
    expect(stdout).to.match(/^cpu +works$/m);
    expect(status).to.equal(0);
  });

  describe("plot", () => {
    const CAFFE = `I0312 23:59:58.100000  1 solver.cpp:330] Iteration 0, Testing net (#0)
I0312 23:59:58.200000  1 solver.cpp:397]     Test net output #0: accuracy = 0.1
I0312 23:59:58.200000  1 solver.cpp:397]     Test net output #1: loss = 2.3 (* 1 = 2.3 loss)
I0312 23:59:59.000000  1 solver.cpp:218] Iteration 0 (-nan iter/s, 0s/100 iters), loss = 2.25
I0312 23:59:59.100000  1 sgd_solver.cpp:105] Iteration 0, lr = 0.01
I0313 00:00:01.000000  1 solver.cpp:218] Iteration 100 (50 iter/s, 2s/100 iters), loss = 1.5e-1
`;
    it("reads Caffe's log and netrun's own, by iteration and by time", async () => {
      writeFileSync(file("caffe.log"), CAFFE);
      const solver = writeRestless(folder, "max_iter: 6");
      await cli("train", solver, "--log-json", file("run.json"), "--log-csv", file("run.csv"));
      const { stdout, stderr } = await cli(
        ...["plot", file("caffe.log"), file("run.json"), file("run.csv"), "-o", file("plot.svg"), "--x", "time"],
      );
      expect(stderr).to.equal("");
      expect(stdout).to.equal(`${file("plot.svg")}: loss, test accuracy, learning rate of 3 runs\n`);
      const svg = readFileSync(file("plot.svg"), "utf8");
      expect(svg).to.contain(">caffe.log: train loss<").and.to.contain(">run.json: test loss<");
      // A panel of one score says so in its title.
      expect(svg).to.contain(">test accuracy<").and.to.contain(">run.json<");
      // netrun has sharp refuse drawings as soon as it decodes an image, as specs before this one do.
      sharp.unblock({ operation: ["VipsForeignLoadSvg"] });
      expect((await sharp(Buffer.from(svg)).metadata()).format).to.equal("svg");
      sharp.block({ operation: ["VipsForeignLoadSvg"] });
    });

    it("says so where a file is no log", async () => {
      writeFileSync(file("no.log"), "hello\n");
      const { stderr } = await cli("plot", file("no.log"), "-o", file("no.svg"));
      expect(stderr).to.contain("there is nothing of a training in this log");
    });
  });
});

describeShared("classify", () => {
  it("names the digits of MNIST's first images with the published LeNet, cropped and oversampled", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-classify-"));
    const idx = (name: string) => gunzipSync(readFileSync(sharedPath("zoo", "mnist", name)));
    const pixels = idx("t10k-images-idx3-ubyte.gz").subarray(16, 16 + 784);
    const label = idx("t10k-labels-idx1-ubyte.gz")[8]!;
    const image = join(folder, "digit.png");
    await sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } })
      .png()
      .toFile(image);
    writeFileSync(join(folder, "labels.txt"), Array.from({ length: 10 }, (_, i) => `digit ${i}`).join("\n"));
    const flags = [
      ...["classify", image, "-model", DEPLOY, "-weights", sharedPath("zoo", "models", "lenet_iter_10000.caffemodel")],
      ...["--labels", join(folder, "labels.txt"), "--scale", "0.00390625", "--top", "2"],
    ];
    const { stdout } = await cli(...flags);
    const [title, first, second] = stdout.split("\n");
    expect(title).to.equal(`---------- Prediction for ${image} ----------`);
    expect(first).to.match(new RegExp(`^(1\\.0000|0\\.99\\d\\d) - "digit ${label}"$`));
    expect(second).to.match(/^0\.00\d\d - "digit \d"$/);
    expect((await cli(...flags, "--oversample", "--resize", "30,30")).stdout).to.match(/^\d\.\d{4} - "digit \d"$/m);
    rmSync(folder, { recursive: true });
  });
});
