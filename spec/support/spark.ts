import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
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

/** Options of a JVM that is brief: it compiles at once, and has one thread for garbage. */
export const BRIEF_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/** Settings for applications that are brief: JVMs that compile at once, and few seconds for executors that are gone. */
export const BRIEF = {
  "spark.driver.extraJavaOptions": BRIEF_JVM,
  "spark.executor.extraJavaOptions": BRIEF_JVM,
  "spark.shuffle.io.retryWait": "200ms",
};

/** Properties as flags of netrun's and spark-submit's. */
export const confFlags = (conf: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(conf).flatMap(([name, value]) => ["--conf", `${name}=${value}`]);

async function buildJar(): Promise<void> {
  const building = spawn(process.execPath, [join(root, "spark", "build.mjs")], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [building.stdout, building.stderr]) stream.on("data", (chunk) => (output += `${chunk}`));
  const [code] = await once(building, "close");
  if (code !== 0) throw new Error(`the jar is not built: ${output}`);
}

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
    const port = await freePort();
    const cluster = new SparkCluster(mkdtempSync(join(tmpdir(), "netrun-spec-")), port);
    const master = ["Master", "--host", "127.0.0.1", "--port", `${port}`, "--webui-port", "0"];
    const worker = (n: number) => {
      const folder = join(cluster.#folder, `work${n}`);
      const options = ["--host", `127.0.0.${n}`, "--cores", `${cores}`, "--memory", "4g", "--webui-port", "0"];
      const args = ["Worker", ...options, "--work-dir", folder, cluster.master];
      return cluster.#daemon(`worker${n}`, args, "Successfully registered with master");
    };
    await Promise.all([
      buildJar(),
      cluster.#daemon("master", master, "I have been elected leader"),
      worker(2),
      worker(3),
    ]);
    return cluster;
  }

  /** The engine of a training on the cluster. */
  engine(conf: Readonly<Record<string, string>> = {}): SparkChoice {
    return spark({ master: this.master, conf: { ...CONF, ...conf } });
  }

  /** The same as flags of `netrun train` and spark-submit. */
  get flags(): readonly string[] {
    return ["--master", this.master, ...confFlags({ ...CONF, ...BRIEF })];
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
      SPARK_DAEMON_JAVA_OPTS: BRIEF_JVM,
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

  /** The executors that have replicas now: not what an executor that is gone has left, which ends by itself. */
  homes(): readonly number[] {
    const running = this.executors();
    const parents = this.replicas().flatMap((pid) => {
      try {
        return [this.executorOf(pid)];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
    return [...new Set(parents)].filter((pid) => running.includes(pid));
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
    for (const pid of this.#processes()) kill(pid);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Folders of vectors, samples and sockets that processes have left which do not run any more, or this one, which is done with them. */
export function leftFiles(): readonly string[] {
  const names = [...new Set(["/dev/shm", tmpdir()])].flatMap((place) => (existsSync(place) ? readdirSync(place) : []));
  return names.filter((name) => {
    const [, owner] = /^netrun-(?:spark|exchange|states|frames)-(\d+-[0-9a-z]+-[0-9a-f]+)-/.exec(name) ?? [];
    return owner !== undefined && (owner === ownName() || fateOf(owner) === "dead");
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** The command line of a process; nothing of one that is gone. */
export function commandOf(pid: number): string {
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

/** A cluster that specs share, and an application on it. */
export interface SharedCluster {
  readonly cluster: SparkCluster;
  readonly engine: SparkChoice;
}
