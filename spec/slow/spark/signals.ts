import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { freshFolder } from "../../support/folder.js";
import { root } from "../../support/shared.js";
import { BRIEF, confFlags, leftFiles, type SparkCluster, sparkHome } from "../../support/spark.js";
import { writeRestless } from "../../support/training.js";

/** Processes that run below a folder. */
const processesIn = (folder: string): readonly string[] =>
  readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readlinkSync(`/proc/${name}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });

const LITTLE = {
  "spark.driver.memory": "512m",
  "spark.executor.memory": "700m",
  "spark.ui.enabled": "false",
  "spark.log.level": "ERROR",
  ...BRIEF,
};

/** A training on Spark that a signal ends. */
export function signalSpecs(clusterOf: () => SparkCluster): void {
  const folder = freshFolder();
  let cluster: SparkCluster;
  before(() => {
    cluster = clusterOf();
  });

  const conf = confFlags(LITTLE);
  const workers = ["--workers", "2", "--sync-interval", "3"];

  /** Waits for a round, and sends a signal to a process or, by a negative number, to its group; what was printed, and how it ended. */
  async function interrupted(child: ChildProcess, pid: number, signal: NodeJS.Signals) {
    let output = "";
    let isSent = false;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on("data", (chunk) => {
        output += `${chunk}`;
        if (isSent || !/Round [2-9]/.test(output)) return;
        isSent = true;
        process.kill(pid, signal);
      });
    }
    const [code] = await once(child, "exit");
    return { code: code as number | null, output };
  }

  async function nothingIsLeft(before: readonly string[], where: () => readonly unknown[]): Promise<void> {
    for (let i = 0; i < 100 && where().length > 0; i++) await setTimeout(100);
    expect(where()).to.deep.equal([]);
    expect(leftFiles().filter((file) => !before.includes(file))).to.deep.equal([]);
  }

  const snapshots = () => readdirSync(folder()).filter((name) => name.endsWith(".solverstate"));

  it("takes a snapshot and leaves nothing behind: netrun train --master local-cluster[...] and SIGINT", async () => {
    const before = leftFiles();
    const solver = writeRestless(folder(), "max_iter: 100000");
    // Executors of local-cluster live in the folder of Spark.
    const work = join(realpathSync(sparkHome()!), "work");
    const logsBefore = existsSync(work) ? readdirSync(work) : [];
    const given = ["train", solver, "--master", "local-cluster[2,1,1024]", ...workers, ...conf];
    const child = spawn(process.execPath, [join(root, "bin", "netrun.js"), ...given], {
      env: { ...process.env, SPARK_LOCAL_DIRS: join(folder(), "local") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { code, output } = await interrupted(child, child.pid!, "SIGINT");
    expect(code, output.slice(-2000)).to.equal(0);
    expect(snapshots()).to.have.length(1);
    const logs = readdirSync(work).filter((name) => !logsBefore.includes(name));
    expect(logs).to.have.length(1);
    rmSync(join(work, logs[0]!), { recursive: true });
    await nothingIsLeft(before, () => processesIn(work));
  });

  for (const [name, signal, isGroup] of [
    ["Ctrl-C in its terminal", "SIGINT", true],
    ["SIGTERM to the JVM", "SIGTERM", false],
  ] as const) {
    it(`takes a snapshot and leaves nothing behind: spark-submit and ${name}`, async () => {
      const before = leftFiles();
      const solver = writeRestless(folder(), "max_iter: 100000");
      const own = confFlags({ "spark.netrun.home": root, "spark.netrun.node": process.execPath });
      const jar = join(root, "spark", "netrun-spark.jar");
      const given = [
        "--master",
        cluster.master,
        "--class",
        "netrun.spark.Train",
        ...conf,
        ...own,
        jar,
        solver,
        ...workers,
      ];
      const cores = confFlags({ "spark.executor.cores": "1", "spark.cores.max": "2" });
      const child = spawn(join(sparkHome()!, "bin", "spark-submit"), [...cores, ...given], {
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const { code, output } = await interrupted(child, isGroup ? -child.pid! : child.pid!, signal);
      expect(code, output.slice(-2000)).to.equal(0);
      expect(snapshots()).to.have.length(1);
      // What is to be done next is no command in the folder of an archive that is gone.
      expect(output).to.match(/^ {2}netrun train .*-snapshot/m);
      await nothingIsLeft(before, () => cluster.processes());
    });
  }
}
