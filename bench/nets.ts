// Seconds to inspect, draw and convert nets with random weights, the check of the written file included: of the prototxts that the
// command line names, and of a DenseNet of over a thousand layers.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadNet } from "../lib/caffe/load.js";
import { densenetPrototxt } from "./densenet.js";
import { table } from "./markdown.js";

const bin = fileURLToPath(new URL("../../bin/netrun.js", import.meta.url));

/** Seconds that a run of the command line takes. */
function seconds(...words: string[]): string {
  const start = performance.now();
  execFileSync(process.execPath, [bin, ...words], { stdio: ["ignore", "ignore", "pipe"] });
  return ((performance.now() - start) / 1000).toFixed(1);
}

const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));
try {
  const deep = join(folder, "densenet264.prototxt");
  writeFileSync(deep, densenetPrototxt(264));
  const [drawn, converted] = ["net.svg", "net.onnx"].map((name) => join(folder, name)) as [string, string];
  const rows = [...process.argv.slice(2), deep].map((path) => [
    basename(path, ".prototxt"),
    loadNet(path, { onWarning() {} }).message.layer.length,
    seconds("inspect", path),
    seconds("draw", path, "-o", drawn),
    seconds("convert", path, "-o", converted, "--allow-missing", "--no-verify"),
    seconds("convert", path, "-o", converted, "--allow-missing"),
  ]);
  console.log(table(["net", "layers", "inspect", "draw", "convert, not checked", "convert"], rows));
} finally {
  rmSync(folder, { recursive: true });
}
