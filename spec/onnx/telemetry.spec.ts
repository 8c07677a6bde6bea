import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

const exec = promisify(execFile);

const SOLVER = `
net_param {
  layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: [4, 3] } shape { dim: [4, 2] } data_filler { type: "gaussian" } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "p" bottom: "y" }
}
base_lr: 0.01 lr_policy: "fixed" max_iter: 2 snapshot: 0 snapshot_after_train: false
`;

/** Trains in a thread of a program whose main thread knows nothing of netrun. */
const WORKER = `
import { Worker, isMainThread } from "node:worker_threads";
if (isMainThread) new Worker(new URL(import.meta.url), { env: { ORT_DISABLE_TELEMETRY: "1" } });
else {
  const { Solver } = await import(${JSON.stringify(new URL("../../lib/index.js", import.meta.url).href)});
  const solver = await Solver.load("solver.prototxt");
  await solver.step(1);
  await solver[Symbol.asyncDispose]();
}`;

const hasStrace = (() => {
  try {
    execFileSync("strace", ["-f", "-e", "trace=connect", process.execPath, "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** onnxruntime sends nothing where one of many variables says that this is a build machine: none is handed on. */
const environment = (folder: string) => ({
  PATH: process.env["PATH"],
  HOME: join(folder, "home"),
  TMPDIR: join(folder, "tmp"),
});

describe("onnxruntime's telemetry", () => {
  const folder = freshFolder();
  const train = (...flags: string[]) => [join(root, "bin/netrun.js"), "train", "solver.prototxt", ...flags];

  beforeEach(() => {
    for (const name of ["home", "tmp", "work"]) mkdirSync(join(folder(), name));
    writeFileSync(join(folder(), "work/solver.prototxt"), SOLVER);
    writeFileSync(join(folder(), "work/worker.mjs"), WORKER);
  });

  const run = (program: string, args: readonly string[]) =>
    exec(program, args, { cwd: join(folder(), "work"), env: environment(folder()) });
  const left = () =>
    ["home", "tmp"].flatMap((name) => readdirSync(join(folder(), name), { recursive: true, encoding: "utf8" }));

  for (const [what, flags] of [
    ["a training", []],
    ["worker threads", ["--workers", "2"]],
    ["worker processes", ["--workers", "2", "--isolation", "process"]],
  ] as const)
    it(`leaves nothing in HOME and TMPDIR after ${what}`, async () => {
      const { stdout, stderr } = await run(process.execPath, train(...flags));
      expect(stdout + stderr).to.include("Optimization Done");
      expect(left()).to.deep.equal([]);
    });

  it("leaves nothing where only a worker thread of the program loads netrun", async () => {
    await run(process.execPath, ["worker.mjs"]);
    expect(left()).to.deep.equal([]);
  });

  it(`asks for no address and opens no connection${hasStrace ? "" : " (skipped: needs strace)"}`, async function () {
    if (!hasStrace) this.skip();
    const log = join(folder(), "calls");
    await run("strace", ["-f", "-qq", "-o", log, "-e", "trace=socket,connect", process.execPath, ...train()]);
    // Sockets of AF_UNIX and the like stay on this machine.
    expect(readFileSync(log, "utf8")).not.to.match(/AF_INET/);
  });

  it("is on for a user who says so", async () => {
    const module = new URL("../../lib/onnx/telemetry.js", import.meta.url).href;
    const print = `await import(${JSON.stringify(module)}); console.log(process.env.ORT_DISABLE_TELEMETRY)`;
    const value = async (env: NodeJS.ProcessEnv) => {
      const args = ["--input-type=module", "--eval", print];
      return (await exec(process.execPath, args, { env: { ...environment(folder()), ...env } })).stdout.trim();
    };
    expect(await value({})).to.equal("1");
    expect(await value({ ORT_DISABLE_TELEMETRY: "0" })).to.equal("0");
  });

  it("is off before the library loads: one file of lib/ loads it", () => {
    const files = readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" });
    const loading = files.filter(
      (file) =>
        file.endsWith(".ts") &&
        /^import (?!type)[^;]*from "onnxruntime-node"|import\("onnxruntime-node"\)|require\("onnxruntime-node"\)/m.test(
          readFileSync(join(root, "lib", file), "utf8"),
        ),
    );
    expect(loading).to.deep.equal([join("onnx", "onnxruntime.ts")]);
  });
});
