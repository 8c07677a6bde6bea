import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type SparkChoice, spark } from "../../lib/engine/spark/choice.js";
import { fateOf, ownName } from "../../lib/owner.js";

const root = new URL("../../../", import.meta.url).pathname;

/** Spark's folder: SPARK_HOME's, or that of the pyspark of PYTHON. */
export function sparkHome(): string | undefined {
  if (process.env["SPARK_HOME"] !== undefined) return process.env["SPARK_HOME"];
  const code = "import pyspark; print(pyspark.__path__[0])";
  const found = spawnSync(process.env["PYTHON"] ?? "python3", ["-c", code], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** Reason why specs on a cluster cannot run here; undefined where they can. */
export function whyNoSpark(): string | undefined {
  if (spawnSync("javac", ["--version"]).status !== 0) return "there is no JDK";
  return sparkHome() === undefined ? "there is no Spark: pip install pyspark brings one" : undefined;
}

/** The driver's JVM: a child of this process. */
export function driverOf(cluster: SparkCluster): number | undefined {
  const names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return names.map(Number).find((pid) => {
    const command = commandOf(pid);
    return (
      command.includes("netrun.spark.Train") && command.includes(cluster.master) && command.includes("SparkSubmit")
    );
  });
}

/** Memory of each JVM: little, since they share a machine. */
const CONF = {
  "spark.driver.memory": "512m",
  "spark.executor.memory": "700m",
  "spark.executor.cores": "1",
  "spark.cores.max": "2",
  "spark.ui.enabled": "false",
  "spark.log.level": "ERROR",
};

/** A standalone master with two workers of a core each, on loopback addresses of their own, so that Spark takes them for two machines. */
export class SparkCluster implements AsyncDisposable {
  readonly master: string;
  readonly #folder: string;
  readonly #daemons: ChildProcess[] = [];

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.master = `spark://127.0.0.1:${port}`;
  }

  /** Builds the jar and starts a cluster whose workers have so many cores each. */
  static async start(cores = 1): Promise<SparkCluster> {
    const home = sparkHome()!;
    process.env["SPARK_HOME"] = home;
    process.env["SPARK_LOCAL_IP"] = "127.0.0.1";
    const built = spawnSync(process.execPath, [join(root, "spark", "build.mjs")], { encoding: "utf8" });
    if (built.status !== 0) throw new Error(`the jar is not built: ${built.stdout}${built.stderr}`);
    const port = await freePort();
    const cluster = new SparkCluster(mkdtempSync(join(tmpdir(), "netrun-spec-")), port);
    const master = ["Master", "--host", "127.0.0.1", "--port", `${port}`, "--webui-port", "0"];
    await cluster.#daemon("master", master, "I have been elected leader");
    for (const worker of [2, 3]) {
      const folder = join(cluster.#folder, `work${worker}`);
      const options = ["--host", `127.0.0.${worker}`, "--cores", `${cores}`, "--memory", "4g", "--webui-port", "0"];
      const args = ["Worker", ...options, "--work-dir", folder, cluster.master];
      await cluster.#daemon(`worker${worker}`, args, "Successfully registered with master");
    }
    return cluster;
  }

  /** The engine of a training on the cluster. */
  engine(conf: Readonly<Record<string, string>> = {}): SparkChoice {
    return spark({ master: this.master, conf: { ...CONF, ...conf } });
  }

  /** The same as flags of `netrun train`. */
  get flags(): readonly string[] {
    return [
      "--master",
      this.master,
      ...Object.entries(CONF).flatMap(([name, value]) => ["--conf", `${name}=${value}`]),
    ];
  }

  async #daemon(name: string, [what, ...args]: readonly string[], ready: string): Promise<void> {
    const log = join(this.#folder, `${name}.log`);
    const file = openSync(log, "w");
    const deploy = `org.apache.spark.deploy.${what!.toLowerCase()}.${what}`;
    const command = join(process.env["SPARK_HOME"]!, "bin", "spark-class");
    // What executors cache is below the cluster's folder too.
    const env = {
      ...process.env,
      SPARK_LOCAL_DIRS: join(this.#folder, "local"),
      SPARK_DAEMON_MEMORY: "256m",
      SPARK_NO_DAEMONIZE: "1",
    };
    this.#daemons.push(spawn(command, [deploy, ...args], { stdio: ["ignore", file, file], env }));
    for (let i = 0; i < 600 && !readFileSync(log, "utf8").includes(ready); i++) await setTimeout(100);
    if (!readFileSync(log, "utf8").includes(ready)) throw new Error(`no ${what}: ${readFileSync(log, "utf8")}`);
  }

  /** Files in which executors cache what replicas read. */
  cachedRows(): readonly string[] {
    const names = readdirSync(join(this.#folder, "local"), { recursive: true, encoding: "utf8" });
    return names.filter((name) => basename(name).startsWith("rdd_")).map((name) => join(this.#folder, "local", name));
  }

  /** The processes of executors. */
  executors(): readonly number[] {
    return this.#processes().filter((pid) => commandOf(pid).includes("CoarseGrainedExecutorBackend"));
  }

  /** The processes of replicas, by process number: children of executors, whose folders are below the cluster's. */
  replicas(): readonly number[] {
    return this.#processes().filter((pid) => commandOf(pid).includes("worker-main.js"));
  }

  /** The executor of a replica's process. */
  executorOf(pid: number): number {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  }

  /** All processes of executors and their replicas. */
  processes(): readonly number[] {
    return this.#processes();
  }

  #processes(): readonly number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => folderOf(pid)?.startsWith(join(this.#folder, "work")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons) daemon.kill("SIGKILL");
    for (const pid of this.#processes()) process.kill(pid, "SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Files of vectors in memory that processes have left which do not run any more, or this one, which is done with them. */
export function leftFiles(): readonly string[] {
  if (!existsSync("/dev/shm")) return [];
  return readdirSync("/dev/shm").filter((name) => {
    const [, owner] = /^netrun-(?:spark|exchange|states)-(\d+-[0-9a-z]+-[0-9a-f]+)-/.exec(name) ?? [];
    return owner !== undefined && (owner === ownName() || fateOf(owner) === "dead");
  });
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
