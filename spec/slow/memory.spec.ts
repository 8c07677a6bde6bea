import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { root } from "../support/shared.js";
import { writeRestless } from "../support/training.js";

/** Trains, and prints resident memory after 1,000 and 10,000 iterations; run with --expose-gc. */
const script = (solver: string) => `
  import { Solver, train } from ${JSON.stringify(pathToFileURL(join(root, "dist", "lib", "index.js")).href)};
  const solver = await Solver.load(${JSON.stringify(solver)});
  for await (const { kind } of train(solver)) {
    if (kind !== "iteration" || (solver.iteration !== 1000 && solver.iteration !== 10000)) continue;
    globalThis.gc();
    globalThis.gc();
    console.log(process.memoryUsage().rss);
  }
  await solver[Symbol.asyncDispose]();`;

describe("memory", () => {
  it("10,000 iterations, tests and snapshots among them, keep it within 5 % of what it is after 1,000", function () {
    this.timeout(600_000);
    const folder = mkdtempSync(join(tmpdir(), "netrun-memory-"));
    const solver = writeRestless(folder, "max_iter: 10000 snapshot: 500");
    const file = join(folder, "train.mjs");
    writeFileSync(file, script(solver));
    const { stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", file], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    const [early, late] = stdout.trim().split("\n").map(Number);
    expect(early, stderr).to.be.greaterThan(0);
    expect(late! / early!).to.be.within(0.5, 1.05);
  });
});
