import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { expect } from "chai";
import { encodeSolverState, readSolverState } from "../../lib/caffe/solver-state.js";
import { ownName } from "../../lib/owner.js";
import { readSideState } from "../../lib/train/side-state.js";
import { writeSnapshot } from "../../lib/train/snapshot.js";
import { Solver, type SolverOptions } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { withMaxAlloc } from "../support/limit.js";
import { RESTLESS_NET, writeRestless } from "../support/training.js";

/** The name of a process that has ended. */
async function deadProcess(): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return ownName().replace(/^\d+/, String(child.pid));
}

describe("files of a snapshot", () => {
  const folder = freshFolder();

  /** A solver after 3 iterations, and its snapshot after 2. */
  async function trained(options: SolverOptions = {}) {
    const solver = await Solver.load(writeRestless(folder(), "max_iter: 20"), options);
    await solver.run(2);
    const paths = await solver.snapshot();
    await solver.run(1);
    return { solver, paths };
  }

  /** All that a failed restore must leave alone: what a snapshot has, and so what the next iteration depends on. */
  async function stateOf(solver: Solver): Promise<readonly unknown[]> {
    const { model, state, side, replicas } = await solver.snapshot(join(folder(), "check"));
    return [model, state, side, replicas].map((path) => (existsSync(path) ? readFileSync(path, "latin1") : undefined));
  }

  async function refuses(solver: Solver, path: string, message: string | RegExp): Promise<void> {
    const before = await stateOf(solver);
    const error = await solver.restore(path).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    if (typeof message === "string") expect(error?.message).to.equal(message);
    else expect(error?.message).to.match(message);
    expect(await stateOf(solver)).to.deep.equal(before);
  }

  it("belong together: a new one of each beside old ones is refused, and nothing is changed", async () => {
    const { solver, paths } = await trained({ workers: 2, syncInterval: 1 });
    await using _ = solver;
    // Another run with other weights, history and state.
    const other = await solver.snapshot(join(folder(), "other"));
    for (const [kind, why] of [
      ["model", `these are not the weights that ${paths.state} goes with`],
      ["state", "it is of iteration 2, the solverstate of iteration 3"],
      ["side", "it is of iteration 3, the solverstate of iteration 2"],
      ["replicas", `it does not go with ${paths.state}`],
    ] as const) {
      const old = readFileSync(paths[kind]);
      copyFileSync(other[kind], paths[kind]);
      await refuses(solver, paths.state, `not of the same snapshot: ${why}`);
      writeFileSync(paths[kind], old);
    }
    await solver.restore(paths.state);
    expect(solver.iteration).to.equal(2);
  });

  it("are loaded without a fingerprint where there is no side file, as Caffe writes them", async () => {
    const { solver, paths } = await trained();
    await using _ = solver;
    const other = await solver.snapshot(join(folder(), "other"));
    copyFileSync(other.model, paths.model);
    unlinkSync(paths.side);
    await solver.restore(paths.state);
    expect(solver.iteration).to.equal(2);
  });

  it("may be of the version without hashes", async () => {
    const { solver, paths } = await trained();
    await using _ = solver;
    const { files: __, check: ___, ...old } = JSON.parse(readFileSync(paths.side, "utf8"));
    writeFileSync(paths.side, JSON.stringify({ ...old, version: 1 }));
    await solver.restore(paths.state);
    expect(solver.iteration).to.equal(2);
  });

  for (const [field, value, why] of [
    ["positions", ["a"], /positions\.0: /],
    ["positions", [1e300], /positions\.0: /],
    ["positions", [-1], /positions\.0: /],
    ["positions", [], /its data layers are not those of these nets/],
    ["testPositions", [[1, 2]], /its data layers are not those of these nets/],
    ["iteration", "2", /iteration: /],
    ["losses", { length: 1 }, /losses: /],
    ["rate", null, /rate: /],
    ["best", { accuracy: 1 }, /best\.accuracy: /],
    ["carries", { h: "AAA=" }, /carries\.h: not whole floats/],
    ["version", 3, /version: /],
  ] as const) {
    it(`with ${field} ${JSON.stringify(value)} in the side file are refused, and nothing is changed`, async () => {
      const { solver, paths } = await trained();
      await using _ = solver;
      const { files: __, check: ___, ...side } = JSON.parse(readFileSync(paths.side, "utf8"));
      writeFileSync(paths.side, JSON.stringify({ ...side, version: 1, [field]: value }));
      await refuses(solver, paths.state, why);
    });
  }

  it("are refused where a single digit of the side file, or a byte of another, is damaged", async () => {
    const { solver, paths } = await trained({ workers: 2, syncInterval: 1 });
    await using _ = solver;
    const side = readFileSync(paths.side, "utf8");
    writeFileSync(paths.side, side.replace(/"seed":3/, '"seed":4'));
    await refuses(solver, paths.state, /damaged side file: its content does not have the hash/);
    writeFileSync(paths.side, side);
    for (const kind of ["model", "state", "replicas"] as const) {
      const bytes = readFileSync(paths[kind]);
      const damaged = Buffer.from(bytes);
      damaged[damaged.length >> 1]! ^= 1;
      writeFileSync(paths[kind], damaged);
      await refuses(solver, paths.state, /not of the same snapshot/);
      writeFileSync(paths[kind], bytes);
    }
  });

  it("are refused without a side file too where counts are negative or history is not finite", async () => {
    const { solver, paths } = await trained();
    await using _ = solver;
    unlinkSync(paths.side);
    const state = await readSolverState(paths.state);
    const path = join(folder(), "other.solverstate");
    const nan = state.history.map((blob) => ({ ...blob, data: blob.data.map(() => Number.NaN) }));
    for (const [change, message] of [
      [{ iter: -5 }, "iter -5 is no count"],
      [{ current_step: -1 }, "current_step -1 is no count"],
      [{ history: nan }, "history 0 has values that are not finite"],
    ] as const) {
      writeFileSync(path, encodeSolverState({ ...state, ...change }));
      await refuses(solver, path, message);
    }
  });

  it("warn of another type of solver, and of layers whose weights they do not have", async () => {
    const { solver, paths } = await trained();
    await solver[Symbol.asyncDispose]();
    const text = readFileSync(join(folder(), "solver.prototxt"), "utf8");
    const warnings: string[] = [];
    const onWarning = ({ message }: Error) => warnings.push(message);
    const load = (path: string) => Solver.load(path, { snapshot: paths.state, onWarning });
    const put = (name: string, changed: string): string => {
      writeFileSync(join(folder(), name), changed);
      return join(folder(), name);
    };
    await (await load(put("nesterov.prototxt", `${text} type: "Nesterov"`)))[Symbol.asyncDispose]();
    expect(warnings.splice(0)).to.deep.equal(["it was made with solver type SGD, this run has Nesterov"]);
    const renamed = put("renamed-net.prototxt", RESTLESS_NET.replace('"ip" type', '"score" type'));
    await (await load(put("renamed.prototxt", text.replace(/net: "[^"]*"/, `net: "${renamed}"`))))[
      Symbol.asyncDispose
    ]();
    expect(warnings.splice(0)).to.deep.equal(['it has no weights of "score"']);
    await (await load(join(folder(), "solver.prototxt")))[Symbol.asyncDispose]();
    expect(warnings).to.deep.equal([]);
  });

  it("keep the older ones of their names where one cannot be written", async () => {
    const { solver, paths } = await trained({ workers: 2, syncInterval: 1 });
    await using _ = solver;
    await solver.restore(paths.state);
    const before = readFileSync(paths.model);
    const rate = { step: 0, at: 0, minimum: null, since: 0 };
    solver.net.params.get("ip")![0]!.data[0]! += 1;
    // The disk is full when the last file is written: the earlier ones, whole under temporary names, must not have got theirs.
    await failure(
      writeSnapshot(
        paths,
        {
          net: solver.net.parameter,
          weights: solver.net.stored(),
          state: { iter: 2, learned_net: paths.model, current_step: 0, history: [] },
          side: { iteration: 2, seed: 3, positions: [0], testPositions: [], losses: [], rate },
          writeReplicas: () => {
            throw new Error("ENOSPC: no space left on device");
          },
        },
        "BINARYPROTO",
      ),
      "cannot write the file: ENOSPC",
    );
    expect(before.equals(readFileSync(paths.model))).to.equal(true);
    expect(readdirSync(folder()).filter((name) => name.endsWith(".tmp"))).to.deep.equal([]);
  });

  it("may be moved, and the solverstate renamed; one whose weights file is not found says where it looked", async () => {
    const { solver, paths } = await trained();
    await using _ = solver;
    const place = join(folder(), "elsewhere");
    mkdirSync(place);
    const [state, model] = [join(place, "mine.solverstate"), join(place, basename(paths.model))];
    copyFileSync(paths.state, state);
    copyFileSync(paths.model, model);
    for (const path of Object.values(paths)) rmSync(path, { force: true });
    await using moved = await Solver.load(join(folder(), "solver.prototxt"));
    await moved.restore(state);
    expect(moved.iteration).to.equal(2);
    renameSync(model, join(place, "mine.caffemodel"));
    await failure(
      moved.restore(state),
      `${state}: its weights file ${paths.model} is not there\nnote: looked for ${paths.model} and ${model}\nnote: a solverstate names`,
    );
  });

  it("have one writer: a second training with the prefix is told before it starts, until the first is over", async () => {
    const path = writeRestless(folder(), "max_iter: 2");
    await using first = await Solver.load(path);
    await using second = await Solver.load(path);
    const running = train(first);
    await running.next();
    await failure(train(second).next(), "another training of this process writes snapshots with this prefix");
    expect(second.iteration).to.equal(0);
    await running.return();
    expect((await train(second).next()).value).to.include({ kind: "start" });
  });

  it("have one writer among processes: a lock of a live one holds, of a dead one not", async () => {
    const lock = join(folder(), "snap.netrunlock");
    await using solver = await Solver.load(writeRestless(folder(), "max_iter: 2"));
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    try {
      const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
      const start = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]).toString(36);
      const machine = ownName().split("-")[2];
      writeFileSync(lock, `${child.pid}-${start}-${machine}`);
      await failure(train(solver).next(), `process ${child.pid} writes snapshots with this prefix`);
      // The same number, another process: the system gave it out again.
      writeFileSync(lock, `${child.pid}-1-${machine}`);
      const run = train(solver);
      expect((await run.next()).value).to.include({ kind: "start" });
      await run.return();
    } finally {
      child.kill("SIGKILL");
    }
    for (const nobody of ["", "0", "-1", "what"]) {
      writeFileSync(lock, nobody);
      const run = train(solver);
      expect((await run.next()).value, nobody).to.include({ kind: "start" });
      await run.return();
    }
    mkdirSync(lock);
    await failure(train(solver).next(), `${lock}: snapshots cannot be written here: EISDIR`);
    rmSync(lock, { recursive: true });
    writeFileSync(lock, await deadProcess());
    for await (const _ of train(solver));
    expect(existsSync(lock)).to.equal(false);
  });

  it("have side files whose lists in lists take no more memory than allowed", async () => {
    const state = join(folder(), "x.solverstate");
    const side = join(folder(), "x.netrunstate");
    writeFileSync(state, "");
    writeFileSync(side, `[${"[],".repeat(1000)}[]]`);
    await withMaxAlloc("10K", () =>
      failure((async () => readSideState(state, 7))(), `${side}: what it holds would take 46.9 KiB`),
    );
  });

  it("are cleaned of what a killed process left half-written, and of nothing else", async () => {
    const dead = await deadProcess();
    await using solver = await Solver.load(writeRestless(folder(), "max_iter: 1"));
    const left = [`snap_iter_7.caffemodel.${dead}.0.tmp`, `snap_iter_7.solverstate.${Number.parseInt(dead, 10)}.3.tmp`];
    const kept = [
      `snap_iter_7.caffemodel.${ownName()}.9.tmp`,
      `mine_iter_7.caffemodel.${dead}.0.tmp`,
      "snap_notes.tmp",
    ];
    for (const name of [...left, ...kept]) writeFileSync(join(folder(), name), "half");
    for await (const _ of train(solver));
    const there = readdirSync(folder()).filter((name) => name.endsWith(".tmp"));
    expect(there.sort()).to.deep.equal([...kept].sort());
  });
});
