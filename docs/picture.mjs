// Makes docs/lenet.svg, the picture of the README: a training of LeNet as it is, drawn by netrun plot. `npm run docs:picture`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "netrun-picture-"));
const netrun = (...args) => execFileSync(process.execPath, ["bin/netrun.js", ...args], { cwd: root, stdio: "inherit" });
try {
  const log = join(folder, "lenet.json");
  const prefix = join(folder, "lenet");
  netrun("train", "models/lenet/solver.prototxt", "--quiet", "--log-json", log, "--snapshot-prefix", prefix);
  netrun("plot", log, "-o", "docs/lenet.svg");
} finally {
  rmSync(folder, { recursive: true });
}
