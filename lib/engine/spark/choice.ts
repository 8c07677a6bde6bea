import { NetrunError } from "../../error.js";
import { type Launched, type LaunchOptions, launch } from "./launch.js";
import { isSubmitted } from "../../options/cluster.js";

/** Options of `spark`: which cluster, and what to read on it. */
export interface SparkOptions extends LaunchOptions {
  /** Data that the cluster reads, in place of what data layers name: spark:parquet:hdfs:///train and the like. */
  readonly data?: string | undefined;
}

/** The choice of a Spark cluster as the engine of a training. */
export interface SparkChoice extends SparkOptions {
  readonly kind: "spark";
}

/**
 * Chooses a Spark cluster as the place of replicas: `train({ solver, workers: 8, engine: spark({ master: "spark://host:7077" }) })`.
 * Where spark-submit has started this process its application is the cluster, and `master` is not needed.
 */
export const spark = (options: SparkOptions = {}): SparkChoice => ({ ...options, kind: "spark" });

interface Application {
  users: number;
  readonly launched: Promise<Launched>;
}

/** The applications that run, by their choice. */
const applications = new Map<SparkChoice, Application>();

/** The application of a choice, which is started for the first who asks and ended when the last one has closed it. */
export async function join(choice: SparkChoice): Promise<Launched> {
  let application = applications.get(choice);
  if (!application) {
    application = { users: 0, launched: launch(choice) };
    applications.set(choice, application);
  }
  const its = application;
  its.users++;
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    if (--its.users > 0) return;
    applications.delete(choice);
    await (await its.launched).close();
  };
  try {
    const { cluster } = await its.launched;
    return { cluster, close };
  } catch (error) {
    applications.delete(choice);
    throw error;
  }
}

/** The cluster that flags name; undefined where they name none and spark-submit has not started this process. */
export function sparkOf({
  master,
  archives,
  conf = [],
}: {
  readonly master?: string;
  readonly archives?: string;
  readonly conf?: readonly string[];
}): SparkChoice | undefined {
  if (master === undefined && !isSubmitted()) return undefined;
  return spark({ master, archives, conf: Object.fromEntries(conf.map(propertyOf)) });
}

function propertyOf(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new NetrunError(`--conf ${text}`, { notes: ["it is NAME=VALUE, as spark.executor.memory=4g"] });
}
