import type { RowSet } from "./data.js";

/** The heads of messages, as spark/README.md describes them. */

import type { CallPatience } from "../hosts/host.js";

/** Vectors in a file, one after the other. */
export interface VectorsAt {
  readonly path: string;
  readonly bytes: number;
}

/** Vectors of a call: the number of floats of each. The first `common` buffers are all replicas'. */
export interface CallLengths {
  readonly buffers: readonly number[];
  readonly common: number;
  readonly room: readonly number[];
}

/** One call of several that go in one job. */
export interface CallHead {
  readonly id: number;
  readonly worker: number;
  readonly replica: number;
  readonly head: CallLengths;
  readonly own: VectorsAt | null;
  /** Blocks of the state to set before and of the one to keep after; -1 for none. */
  readonly store: number;
  readonly keep: number;
  readonly patience: CallPatience;
  /** Places for the answer's vectors. */
  readonly result: string;
}

/** Requests to the driver's JVM. */
export type Request =
  | { readonly op: "ping"; readonly id: number }
  | { readonly op: "hello"; readonly node: string; readonly home: string }
  | {
      readonly op: "calls";
      readonly name: string;
      readonly replicas: number;
      readonly data: readonly string[];
      readonly common: VectorsAt | null;
      readonly calls: readonly CallHead[];
    }
  | { readonly op: "read"; readonly replica: number; readonly block: number; readonly path: string }
  | { readonly op: "forget"; readonly replica: number; readonly blocks: readonly number[] }
  | { readonly op: "frame"; readonly frame: number; readonly source: string; readonly ordered: boolean }
  | ({ readonly op: "extract" } & RowsExtract)
  | { readonly op: "rows"; readonly replicas: number; readonly sets: readonly RowSet[] };

/** A DataFrame to write with blobs beside its own columns. */
export interface RowsExtract {
  readonly frame: number;
  /** An address such as spark:parquet:PATH?mode=overwrite. */
  readonly output: string;
  /** Options of a net, with paths on this machine. */
  readonly options: object;
  /** Description of the rows for workers. */
  readonly rows: object;
}

/** Description of a DataFrame. */
export interface FrameInfo {
  /** Columns that are no fields, and why. */
  readonly unusable: Readonly<Record<string, string>>;
  /** The different texts of columns of texts. */
  readonly texts: Readonly<Record<string, readonly string[]>>;
  readonly rows: number;
}

/** Outcome of a call: it ended with a result, with an error of the replica's in the body, or without the worker. */
export interface CallAnswer {
  readonly id: number;
  readonly status: "ok" | "error" | "lost" | "failed";
  readonly reason?: string;
  readonly executor?: string;
  readonly machine?: string;
  readonly slowestMs?: number;
  readonly iterations?: number;
  readonly pid?: number;
  /** Times that a copy of its task, which speculation had started elsewhere, came first, and the call was made again. */
  readonly elsewhere?: number;
  /** Milliseconds: the driver's broadcast of the common vectors, and its reading of the result. */
  readonly broadcastMs?: number;
  readonly fetchMs?: number;
  /** Milliseconds on the executor: until the worker had the call, the call, and storing result and state. */
  readonly readyMs?: number;
  readonly callMs?: number;
  readonly storeMs?: number;
}

/** Description of the cluster. */
export interface ClusterInfo {
  readonly version: string;
  readonly application: string;
  readonly master: string;
  readonly executors: number;
  /** Cores of a task: the threads of a replica. */
  readonly cores: number;
}

/** A call as an executor's worker gets it: files in place of vectors and blocks. */
export interface WorkerHead extends CallLengths {
  readonly name: string;
  readonly out: string;
  readonly commonPath?: string;
  readonly ownPath?: string;
  readonly store?: string;
  readonly keep?: string;
  /** Files of what the replica reads of DataFrames, by name. */
  readonly data: Readonly<Record<string, string>>;
}
