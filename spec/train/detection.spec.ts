import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { LogLines } from "../../lib/cli/log-lines.js";
import { Net, Solver, type TestEvent, testNet, train } from "../../lib/index.js";
import { root } from "../support/shared.js";

/** All that SSD's training nets ask of their data. */
const AUGMENTED = `
  mirror: true
  resize_param { prob: 1 resize_mode: WARP height: 64 width: 64 interp_mode: LINEAR interp_mode: AREA interp_mode: NEAREST interp_mode: CUBIC interp_mode: LANCZOS4 }
  emit_constraint { emit_type: CENTER }
  distort_param { brightness_prob: 0.5 brightness_delta: 32 contrast_prob: 0.5 contrast_lower: 0.5 contrast_upper: 1.5
    hue_prob: 0.5 hue_delta: 18 saturation_prob: 0.5 saturation_lower: 0.5 saturation_upper: 1.5 random_order_prob: 0.5 }
  expand_param { prob: 0.5 max_expand_ratio: 2 }`;
const SAMPLED = `annotated_data_param {
  batch_sampler { max_sample: 1 max_trials: 1 }
  batch_sampler { sampler { min_scale: 0.3 max_scale: 1 min_aspect_ratio: 0.5 max_aspect_ratio: 2 }
    sample_constraint { min_jaccard_overlap: 0.3 } max_sample: 1 max_trials: 20 } }`;

describe("training a detector", () => {
  let folder = "";
  let cache: string | undefined;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-detection-"));
    cache = process.env["NETRUN_CACHE"];
    process.env["NETRUN_CACHE"] = folder;
    const net = readFileSync(join(root, "models/shapes-ssd/train_test.prototxt"), "utf8")
      .replaceAll("netrun:shapes/train", "netrun:shapes/test")
      .replace(/ +mirror: true/, AUGMENTED)
      .replace("batch_size: 32 }", `batch_size: 4 } ${SAMPLED}`)
      .replace("batch_size: 50", "batch_size: 10");
    writeFileSync(join(folder, "net.prototxt"), net);
    mkdirSync(join(folder, "snapshots"));
    const solver = `net: "${folder}/net.prototxt" type: "Adam" base_lr: 0.001 lr_policy: "fixed" display: 0 max_iter: 4
      test_iter: 4 test_interval: 4 test_initialization: false snapshot: 2 snapshot_prefix: "${folder}/snapshots/snap"
      show_per_class_result: true ap_version: "11point"`;
    writeFileSync(join(folder, "solver.prototxt"), solver);
  });
  after(() => {
    if (cache === undefined) delete process.env["NETRUN_CACHE"];
    else process.env["NETRUN_CACHE"] = cache;
    rmSync(folder, { recursive: true });
  });

  it("resumes bit-exactly, and prints mean average precision after that of each class, as `test` does", async () => {
    const solver = join(folder, "solver.prototxt");
    const parameters = ({ net }: Solver) =>
      [...net.params.values()].flatMap((blobs) => blobs.map(({ data }) => [...data]));
    await using straight = await Solver.load(solver, { threads: 1 });
    const tests: TestEvent[] = [];
    const lines: string[] = [];
    const log = new LogLines();
    for await (const event of train(straight)) {
      if (event.kind === "test") tests.push(event);
      lines.push(...log.of(event).map(({ text }) => text));
    }
    await using resumed = await Solver.load(solver, {
      threads: 1,
      snapshot: `${folder}/snapshots/snap_iter_2.solverstate`,
    });
    for await (const _ of train(resumed));
    expect(parameters(resumed)).to.deep.equal(parameters(straight));

    const [{ outputs, classes }] = tests as [TestEvent];
    const own = Object.values(classes!["detection_eval"]!);
    expect(own).to.have.length(3);
    expect(outputs["detection_eval"]).to.have.length(1);
    const [map] = outputs["detection_eval"]!;
    expect(map).to.be.closeTo(own.reduce((sum, value) => sum + value, 0) / 3, 1e-6);
    const at = lines.findIndex((line) => line.startsWith("class1: "));
    expect(lines[at + 3]).to.match(/^ {4}Test net output #0: detection_eval = 0\.\d+$/);

    const weights = `${folder}/snapshots/snap_iter_4.caffemodel`;
    await using net = await Net.load(join(folder, "net.prototxt"), { weights });
    const scores = await testNet(net, { iterations: 4, apVersion: "11point" });
    expect(scores.outputs["detection_eval"]![0]).to.be.closeTo(map!, 1e-3);
  });

  it("scores the same with several replicas, each of which tests a part of the batches", async () => {
    const scores = [];
    for (const workers of [undefined, 2]) {
      await using solver = await Solver.load(join(folder, "solver.prototxt"), { threads: 1, workers });
      scores.push((await solver.scores()).outputs);
    }
    expect(scores[1]).to.deep.equal(scores[0]);
    expect(Object.keys(scores[0]!)).to.deep.equal(["detection_eval"]);
  });
});
