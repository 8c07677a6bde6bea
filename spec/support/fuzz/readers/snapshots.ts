import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { encodeSolverState } from "../../../../lib/caffe/solver-state.js";
import { readLog } from "../../../../lib/runs/plot/logs.js";
import type { ReplicaState } from "../../../../lib/engine/engine.js";
import { ownName } from "../../../../lib/owner.js";
import { CSV_HEADER, csvLines, jsonLine } from "../../../../lib/train/event-log.js";
import { restoreReplicas, writeReplicas } from "../../../../lib/train/replica-file.js";
import { hashFile, readSideState, type SideState, sideText } from "../../../../lib/train/side-state.js";
import { SnapshotLock } from "../../../../lib/train/snapshot-lock.js";
import { mutate } from "../bytes.js";
import { put } from "../files.js";
import { mutateJson } from "../json.js";
import type { Damage, FuzzReader } from "../reader.js";
import { mutateStructure } from "../structure.js";

const LENGTH = 6;
const replica = (): ReplicaState => ({
  history: [new Float32Array(LENGTH)],
  positions: [8],
  carries: {},
  weights: new Float32Array(LENGTH),
});

/** A side state of two replicas that goes with a solverstate. */
function sideOf(statePath: string): SideState {
  return {
    version: 2,
    iteration: 7,
    seed: 1,
    positions: [8],
    replicas: { positions: [[8], [8]], weights: true, carries: [{ h: "AAAAAA==" }, {}] },
    testPositions: [[4], []],
    losses: [0.5, 0.25],
    rate: { step: 0, at: 7, minimum: null, since: 0 },
    best: { accuracy: { value: 0.9, tests: 1 } },
    carries: { h: "AAAAAA==" },
    files: { model: "0".repeat(64), state: hashFile(statePath) },
  };
}

/** Damages the JSON of a side file, its own hash corrected. */
const insideSide: Damage = (bytes, seed) => {
  const { check: _, ...rest } = JSON.parse(Buffer.from(bytes).toString("utf8"));
  const text = Buffer.from(mutateJson(Buffer.from(JSON.stringify(rest)), seed)).toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    const check = createHash("sha256").update(JSON.stringify(value)).digest("hex");
    return Buffer.from(JSON.stringify({ ...(value as object), check }));
  } catch {
    return Buffer.from(text);
  }
};

const iteration = {
  kind: "iteration",
  iteration: 1,
  loss: 0.5,
  smoothedLoss: 0.5,
  rate: 0.01,
  rows: 4,
  outputs: { loss: [0.5] },
  times: { dataWaitMs: 1, gradientMs: 2, updateMs: 3 },
} as const;

const PRINTED = [
  "I0101 10:00:00.000000  1 solver.cpp:218] Iteration 0 (0 iter/s, 1s/100 iters), loss = 2.3",
  "I0101 10:00:00.000000  1 sgd_solver.cpp:105] Iteration 0, lr = 0.01",
  "I0101 10:00:01.000000  1 solver.cpp:330] Iteration 100, Testing net (#0)",
  "I0101 10:00:02.000000  1 solver.cpp:397]     Test net output #0: accuracy = 0.9",
].join("\n");

/** Readers of what trainings leave. */
export const SNAPSHOTS: readonly FuzzReader[] = [
  {
    name: ".netrunstate",
    modules: ["lib/train/side-state.ts"],
    open: async (folder) => {
      const state = put(
        folder,
        "x.solverstate",
        encodeSolverState({ iter: 7, learned_net: "", current_step: 0, history: [] }),
      );
      return {
        wholes: [Buffer.from(sideText(sideOf(state)))],
        damages: [mutate, mutateJson, insideSide],
        read: (bytes) => {
          put(folder, "x.netrunstate", bytes);
          readSideState(state, 7);
        },
      };
    },
  },
  {
    name: ".netrunreplicas",
    modules: ["lib/train/replica-file.ts", "lib/train/side-state.ts"],
    open: async (folder) => {
      const state = put(folder, "x.solverstate", "");
      const path = put(folder, "x.netrunreplicas", "");
      writeReplicas(path, [replica(), replica()]);
      const replicas = hashFile(path);
      const side = sideOf(state);
      const options = { count: 2, length: LENGTH, warn: () => {} };
      return {
        wholes: [readFileSync(path)],
        read: (bytes, seed) => {
          put(folder, "x.netrunreplicas", bytes);
          // Every other one as before side files had hashes.
          const files = seed % 2 === 0 ? side.files && { ...side.files, replicas } : undefined;
          restoreReplicas(state, replica(), { ...options, side: { ...side, files } });
        },
      };
    },
  },
  {
    name: "lock of a snapshot prefix",
    modules: ["lib/train/snapshot-lock.ts"],
    open: async (folder) => ({
      wholes: [Buffer.from("4194304"), Buffer.from(`4194304${ownName().replace(/^\d+/, "")}`)],
      damages: [mutate],
      read: (bytes) => {
        const path = put(folder, "snap.netrunlock", bytes);
        SnapshotLock.take(path.replace(/\.netrunlock$/, ""))[Symbol.dispose]();
      },
    }),
  },
  {
    name: "logs",
    modules: ["lib/runs/plot/logs.ts", "lib/file.ts"],
    open: async (folder) => {
      const lines = Array.from({ length: 5 }, (_, i) => ({ seconds: i, event: { ...iteration, iteration: i } }));
      return {
        wholes: [
          Buffer.from(lines.map((line) => jsonLine(line as never)).join("")),
          Buffer.from(CSV_HEADER + lines.map((line) => csvLines(line as never)).join("")),
          Buffer.from(`${PRINTED}\n`),
        ],
        damages: [mutate, mutateStructure, insideLines],
        read: (bytes) => readLog(put(folder, "x.log", bytes)),
      };
    },
  },
];

/** Damages a line as JSON. */
function insideLines(bytes: Uint8Array, seed: number): Uint8Array {
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  const at = seed % lines.length;
  lines[at] = Buffer.from(mutateJson(Buffer.from(lines[at]!), seed)).toString("utf8");
  return Buffer.from(lines.join("\n"));
}
