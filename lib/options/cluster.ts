import type { Options } from "./option.js";

const GROUP = "Spark:";

/** A Spark cluster that replicas live on. */
export const CLUSTER = {
  master: {
    type: "string",
    api: false,
    group: GROUP,
    describe: "Spark cluster to run replicas on: spark://HOST:7077, local[N], yarn, k8s://...",
  },
  archives: {
    type: "string",
    api: false,
    group: GROUP,
    describe: "Archive of Node and netrun for the executors: FILE#netrun",
  },
  conf: { type: "strings", api: false, group: GROUP, describe: "Spark property: NAME=VALUE" },
} as const satisfies Options;

/** Environment variable with the path of the socket to the JVM that has started this process. */
export const SUBMIT_SOCKET = "NETRUN_SPARK_SOCKET";

/** Tests whether spark-submit has started this process as the driver program. */
export const isSubmitted = (): boolean => process.env[SUBMIT_SOCKET] !== undefined;
