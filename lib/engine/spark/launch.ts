import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NetrunError } from "../../error.js";
import { newScratchFolder } from "../../scratch.js";
import { deleteVectorFolder } from "../vector-file.js";
import { Cluster } from "./cluster.js";
import { SUBMIT_SOCKET } from "../../options/cluster.js";

/** The main class of the jar. */
const MAIN = "netrun.spark.Train";

/** The jar of the package, four folders above the compiled file. */
const JAR = fileURLToPath(new URL("../../../../spark/netrun-spark.jar", import.meta.url));

/** Choice of Spark and its configuration. */
export interface LaunchOptions {
  /** The cluster, as Spark names it: spark://HOST:7077, local[N], local-cluster[N,CORES,MB], yarn, k8s://... */
  readonly master?: string | undefined;
  /** Spark's folder. Default: SPARK_HOME's, spark-submit's, or PyPI's pyspark. */
  readonly sparkHome?: string | undefined;
  /** Properties of Spark, such as "spark.executor.memory". */
  readonly conf?: Readonly<Record<string, string>> | undefined;
  /** Archives with Node and netrun for the executors: netrun-linux-x64.tar.gz#netrun. */
  readonly archives?: string | undefined;
}

/** A Spark application that was started here. */
export interface Launched {
  readonly cluster: Cluster;
  close(): Promise<void>;
}

/** Joins the application that has started this process, or starts one. Throws NetrunError where there is no Java, Spark or jar. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const path = process.env[SUBMIT_SOCKET];
  if (path !== undefined) {
    const cluster = await Cluster.connect(path);
    return { cluster, close: () => cluster[Symbol.asyncDispose]() };
  }
  const { master } = options;
  if (master === undefined)
    throw new NetrunError("which cluster?", { notes: ["--master spark://HOST:7077 names one"] });
  return start(options, master);
}

async function start(options: LaunchOptions, master: string): Promise<Launched> {
  const patienceMs = patienceOf(options);
  const submit = findSubmit(options);
  checkJava();
  if (!existsSync(JAR)) {
    throw new NetrunError("the jar for Spark has not been built", {
      file: JAR,
      notes: ["npm run spark:jar builds it, with a JDK"],
    });
  }
  const folder = newScratchFolder("spark");
  const server = createServer();
  try {
    const path = join(folder, "socket");
    server.listen(path);
    await once(server, "listening");
    const child = spawn(submit, submitArgs(master, options), {
      // A terminal's signals are for this process: it takes a snapshot first.
      detached: true,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, [SUBMIT_SOCKET]: path },
    });
    const socket = await connected(server, child, submit, patienceMs);
    const cluster = Cluster.of(socket);
    return { cluster, close: () => close(cluster, child, folder) };
  } catch (error) {
    deleteVectorFolder(folder);
    throw error;
  } finally {
    server.close();
  }
}

/** The application ends with its connection; a JVM that does not is killed. */
async function close(cluster: Cluster, child: ChildProcess, folder: string): Promise<void> {
  await cluster[Symbol.asyncDispose]();
  if (child.exitCode === null && child.signalCode === null) {
    const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
    await once(child, "exit");
    clearTimeout(timer);
  }
  deleteVectorFolder(folder);
}

/** Patience with a JVM's end. */
const END_MS = 30_000;

function submitArgs(master: string, { conf = {}, archives }: LaunchOptions): readonly string[] {
  const properties = Object.entries(conf).flatMap(([name, value]) => ["--conf", `${name}=${value}`]);
  return [
    "--master",
    master,
    "--class",
    MAIN,
    ...properties,
    ...(archives === undefined ? [] : ["--archives", archives]),
    JAR,
  ];
}

/** The property that bounds the wait for Spark: its start, archives that it sends, a cluster manager that has no room yet. */
const TIMEOUT = "spark.netrun.startTimeout";
const TIMEOUT_MS = 600_000;

const UNITS = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a time as Spark's properties have them: 90s, 10min, 2h; a number alone is milliseconds. */
function patienceOf({ conf = {} }: LaunchOptions): number {
  const text = conf[TIMEOUT];
  if (text === undefined) return TIMEOUT_MS;
  const [, count, unit = "ms"] = /^(\d+)\s*(ms|s|m|min|h|d)?$/.exec(text.trim()) ?? [];
  if (count === undefined) throw new NetrunError(`${TIMEOUT}=${text}`, { notes: ["it is a time: 90s, 10min, 2h"] });
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}

async function connected(server: Server, child: ChildProcess, submit: string, patienceMs: number): Promise<Socket> {
  const ended = new Promise<never>((_, reject) => {
    child.once("error", (error) => reject(new NetrunError(`does not start: ${error.message}`, { file: submit })));
    child.once("exit", (code, signal) =>
      reject(
        new NetrunError(`Spark ended before it was ready (${signal ?? `exit code ${code}`})`, {
          notes: ["its messages are above"],
        }),
      ),
    );
  });
  ended.catch(() => {});
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patienceMs);
  try {
    const connection = once(server, "connection", { signal: late.signal });
    const [socket] = (await Promise.race([connection, ended])) as [Socket];
    return socket;
  } catch (error) {
    if (child.kill("SIGKILL")) await once(child, "exit");
    if (!late.signal.aborted) throw error;
    throw new NetrunError(`Spark has not been ready in ${patienceMs / 1000} s`, {
      notes: ["its messages are above", `wait longer with --conf ${TIMEOUT}=1h`],
    });
  } finally {
    clearTimeout(timer);
  }
}

const GET_SPARK = [
  "set SPARK_HOME to the folder of a Spark 4, or pip install pyspark, which brings one",
  "Spark runs the workers of --master; --workers alone needs neither Spark nor Java",
];

/** The path of spark-submit. Throws NetrunError where there is none. */
function findSubmit({ sparkHome = process.env["SPARK_HOME"] }: LaunchOptions): string {
  if (sparkHome !== undefined) {
    const path = join(sparkHome, "bin", "spark-submit");
    if (existsSync(path)) return path;
    throw new NetrunError("there is no bin/spark-submit in this folder", { file: sparkHome, notes: GET_SPARK });
  }
  const found = spawnSync("sh", ["-c", "command -v spark-submit"], { encoding: "utf8" });
  if (found.status === 0) return found.stdout.trim();
  const python = spawnSync(process.env["PYTHON"] ?? "python3", ["-c", "import pyspark; print(pyspark.__path__[0])"], {
    encoding: "utf8",
  });
  if (python.status === 0) return join(python.stdout.trim(), "bin", "spark-submit");
  throw new NetrunError("there is no Spark on this machine", { notes: GET_SPARK });
}

function checkJava(): void {
  const { JAVA_HOME: home } = process.env;
  const java = home === undefined ? "java" : join(home, "bin", "java");
  if (spawnSync(java, ["-version"]).status === 0) return;
  throw new NetrunError("there is no Java on this machine, which Spark runs on", {
    file: java,
    notes: ["install a Java runtime, 17 or later, or set JAVA_HOME to the folder of one"],
  });
}
