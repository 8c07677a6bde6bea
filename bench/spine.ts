/**
 * Measures what docs/performance.md says of training and loading; run it with `npm run bench:spine`.
 * - LeNet on the embedded digits, as `npm start` trains it: seconds, images/s, held-out accuracy
 * - a caffemodel of 240 MB: seconds to write it from its net, and to copy it back
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { amend, Net, ProtoLoader, Solver, train } from "../lib/index.js";

const seconds = (sinceMs: number) => ((performance.now() - sinceMs) / 1000).toFixed(1);

async function lenet(): Promise<void> {
  const started = performance.now();
  const parameter = ProtoLoader.loadSolverPrototxt("models/lenet/solver.prototxt");
  await using solver = await Solver.load(amend(parameter, { snapshot: 0, snapshot_after_train: false }));
  const loadedS = seconds(started);
  const begun = performance.now();
  let rows = 0;
  let trainingMs = 0;
  let waitMs = 0;
  let accuracy = 0;
  for await (const event of train(solver)) {
    if (event.kind === "test") accuracy = event.outputs["accuracy"]![0]!;
    if (event.kind !== "iteration") continue;
    rows += event.rows;
    trainingMs += event.times.dataWaitMs + event.times.gradientMs + event.times.updateMs;
    waitMs += event.times.dataWaitMs;
  }
  console.log(`LeNet on the embedded digits, ${solver.iteration} iterations`);
  console.log(`  loaded in ${loadedS} s (the first time draws the digits), trained and tested in ${seconds(begun)} s`);
  console.log(
    `  ${Math.round((rows / trainingMs) * 1000)} images/s, ${((100 * waitMs) / trainingMs).toFixed(1)} % waiting for data`,
  );
  console.log(`  held-out accuracy ${(100 * accuracy).toFixed(2)} %`);
}

async function caffemodel(folder: string): Promise<void> {
  const path = join(folder, "big.caffemodel");
  await using net = await Net.load(`
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 6000 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 10000 } }`);
  const writing = performance.now();
  await net.save(path);
  const writtenS = seconds(writing);
  const reading = performance.now();
  await net.copyTrainedLayersFrom(path);
  const megabytes = Math.round(statSync(path).size / 1e6);
  console.log(`caffemodel of ${megabytes} MB: written (and on disk) in ${writtenS} s, read in ${seconds(reading)} s`);
}

console.log(`node ${process.version}, ${availableParallelism()} cores`);
const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));
try {
  await caffemodel(folder);
  await lenet();
} finally {
  rmSync(folder, { recursive: true });
}
