import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import type { CallAnswer } from "../../../lib/engine/spark/messages.js";
import type { ReplicaLostEvent } from "../../../lib/train/events.js";
import { Solver, type SolverOptions } from "../../../lib/train/solver.js";
import { train } from "../../../lib/train/train.js";
import { freshFolder } from "../../support/folder.js";
import { BRIEF, leftFiles, type SparkCluster } from "../../support/spark.js";

const root = new URL("../../../../", import.meta.url).pathname;

const INTERVAL = 15;

/** LeNet on the embedded digits, for so many rounds. */
const lenet = (folder: string, rounds: number) => `
  net: "${root}models/lenet/train_test.prototxt" test_iter: 20 test_interval: 100000 test_initialization: false
  base_lr: 0.01 lr_policy: "inv" gamma: 0.0001 power: 0.75 momentum: 0.9 weight_decay: 0.0005
  max_iter: ${rounds * INTERVAL} random_seed: 1 snapshot_prefix: "${join(folder, "snap")}" snapshot_after_train: false`;

/** Result of a training. */
interface Run {
  readonly losses: readonly number[];
  readonly lost: readonly ReplicaLostEvent[];
  /** Of the weights' file after each round. */
  readonly sha256: readonly string[];
}

/** Trains LeNet on two replicas; `during` is called when a round begins, by its number from 1 on. */
async function run(
  folder: string,
  rounds: number,
  options: Partial<SolverOptions>,
  during: (round: number) => void = () => {},
): Promise<Run> {
  const given = { workers: 2, syncInterval: INTERVAL, threads: 1, ...options };
  await using solver = await Solver.load(lenet(folder, rounds), given);
  const losses: number[] = [];
  const lost: ReplicaLostEvent[] = [];
  const hashes: string[] = [];
  const path = join(folder, "weights.caffemodel");
  during(1);
  for await (const event of train(solver)) {
    if (event.kind === "replica-lost") lost.push(event);
    if (event.kind !== "round") continue;
    losses.push(event.loss);
    await solver.net.save(path);
    hashes.push(sha256(path));
    during(event.round + 1);
  }
  return { losses, lost, sha256: hashes };
}

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** A training of LeNet while whatever runs it dies. */
export function deathSpecs(clusterOf: () => SparkCluster): void {
  const folder = freshFolder();
  let cluster: SparkCluster;
  let pool: Run;
  before(async () => {
    cluster = clusterOf();
    const place = mkdtempSync(join(tmpdir(), "netrun-spec-"));
    pool = await run(place, 5, { isolation: "process" });
    rmSync(place, { recursive: true });
  });

  /** Waits until no executor and no replica is left. */
  async function ended(): Promise<void> {
    for (let i = 0; i < 400 && cluster.processes().length > 0; i++) await setTimeout(50);
    expect(cluster.processes()).to.deep.equal([]);
  }

  it("gives the pool's bits, whatever dies on the way, and leaves nothing behind", async () => {
    const before = leftFiles();
    const soon = async (act: (pid: number) => void) => {
      await setTimeout(300);
      act(cluster.replicas().at(-1)!);
    };
    // Copies of tasks start as soon as one replica is done before the other.
    const speculation = {
      "spark.speculation": "true",
      "spark.speculation.quantile": "0.1",
      "spark.speculation.multiplier": "1.01",
      "spark.speculation.minTaskRuntime": "50ms",
    };
    const engine = cluster.engine({ ...BRIEF, ...speculation });
    let copies = 0;
    const note = (answer: unknown) => {
      copies += (answer as CallAnswer).elsewhere ?? 0;
    };
    subscribe("netrun:spark:answer", note);
    const killed = await run(folder(), 5, { engine, workerTimeoutMs: 5000 }, (round) => {
      if (round === 2) void soon((pid) => process.kill(pid, "SIGKILL"));
      if (round === 3) void soon((pid) => process.kill(pid, "SIGSTOP"));
      if (round === 4) void soon((pid) => process.kill(cluster.executorOf(pid), "SIGKILL"));
    });
    unsubscribe("netrun:spark:answer", note);
    expect(copies, "copies of tasks that came first").to.be.above(0);
    expect(killed.losses).to.deep.equal(pool.losses);
    expect(killed.sha256).to.deep.equal(pool.sha256);
    expect(killed.lost.map(({ round, remedy }) => [round, remedy])).to.include.deep.members([
      [2, "redone"],
      [3, "redone"],
      [4, "redone"],
    ]);
    const reasons = killed.lost.map(({ reason }) => reason).join("\n");
    expect(reasons).to.match(/executor \d on 127\.0\.0\.[23], pid \d+\): ended by signal 9/);
    expect(reasons).to.match(/hung: no iteration was done in 5\.00 s/);
    expect(reasons).to.match(/executor \d on 127\.0\.0\.[23] was lost/);
    await ended();
    // What an earlier cluster left may be deleted meanwhile.
    expect(leftFiles().filter((file) => !before.includes(file))).to.deep.equal([]);
  });

  it("goes on from a snapshot after its driver was killed, to the same bits", async () => {
    const before = leftFiles();
    const text = lenet(folder(), 3).replace("snapshot_after_train: false", `snapshot: ${INTERVAL}`);
    const path = join(folder(), "solver.prototxt");
    writeFileSync(path, text);
    const flags = ["--workers", "2", "--sync-interval", `${INTERVAL}`, "--threads", "1", ...cluster.flags];
    const start = (...more: readonly string[]) =>
      spawn(process.execPath, [join(root, "bin", "netrun.js"), "train", path, ...flags, ...more], { stdio: "pipe" });
    const first = start();
    for await (const chunk of first.stdout) if (`${chunk}`.includes("Round 2")) break;
    first.kill("SIGKILL");
    await ended();
    const second = start("-snapshot", join(folder(), `snap_iter_${INTERVAL}.solverstate`));
    second.stdout.resume();
    second.stderr.resume();
    expect(await once(second, "exit")).to.deep.equal([0, null]);
    expect(sha256(join(folder(), `snap_iter_${3 * INTERVAL}.caffemodel`))).to.equal(pool.sha256[2]);
    await ended();
    // What the killed driver left, its successor has deleted.
    expect(leftFiles().filter((file) => !before.includes(file))).to.deep.equal([]);
  });
}
