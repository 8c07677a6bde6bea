import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import * as v from "valibot";
import { checkAlloc } from "../budget.js";
import { NetrunError } from "../error.js";
import { issuesOf } from "./events.js";

/** Bytes of a file that are hashed at a time. */
const PIECE = 2 ** 20;

const fields = <E extends v.ObjectEntries>(entries: E) => v.pipe(v.object(entries), v.readonly());
const list = <S extends v.GenericSchema>(schema: S) => v.pipe(v.array(schema), v.readonly());
const byName = <S extends v.GenericSchema>(schema: S) => v.pipe(v.record(v.string(), schema), v.readonly());

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const positions = list(count);
/** Little-endian floats in base64, by leaf. */
const carries = byName(
  v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9+/]*={0,2}$/, "not base64"),
    v.check((text) => Buffer.byteLength(text, "base64") % 4 === 0, "not whole floats"),
  ),
);
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "not a SHA-256 hash"));
/** A number that may not be finite: JSON has null then. */
const number = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? Number.NaN),
);

const sideState = fields({
  version: v.picklist([1, 2]),
  iteration: count,
  /** Seed of random layers and data. */
  seed: count,
  /** The solver's type, which its history goes with. */
  type: v.optional(v.string()),
  /** Records consumed of each data layer of the train net. */
  positions,
  /** Of several replicas: the state that is not in the `.netrunreplicas` file. */
  replicas: v.optional(
    fields({
      /** Records consumed of each data layer, by replica. */
      positions: list(positions),
      /** True if each has parameters of its own, after its history. */
      weights: v.boolean(),
      /** Recurrent state of each. */
      carries: list(carries),
    }),
  ),
  /** Records consumed of each data layer of each test net. */
  testPositions: list(positions),
  /** The last losses, whose mean is the smoothed loss. */
  losses: list(v.number()),
  /** State of the learning rate's policy. */
  rate: fields({
    step: count,
    at: v.pipe(v.number(), v.safeInteger()),
    minimum: v.nullable(v.number()),
    since: v.pipe(v.number(), v.safeInteger()),
    factor: v.optional(v.pipe(v.number(), v.finite(), v.gtValue(0))),
  }),
  /** Best scores of tests so far, by metric. */
  best: v.optional(byName(fields({ value: number, tests: count }))),
  /** Recurrent state after the last iteration. */
  carries: v.optional(carries),
  /** SHA-256 of the other files of the snapshot, from version 2 on. */
  files: v.optional(fields({ model: hash, state: hash, replicas: v.optional(hash) })),
});

/**
 * The side file `*.netrunstate`: JSON beside a solverstate with what Caffe's files cannot hold, so that a resumed run is bit-exact. Its
 * `files` are the fingerprint that the files of one snapshot have in common.
 */
export type SideState = v.InferOutput<typeof sideState>;
export type SideReplicas = NonNullable<SideState["replicas"]>;
/** The best score of a metric, and how many tests ago it was. */
export type Best = NonNullable<SideState["best"]>[string];

/** The text of a side file: the state, and a hash over it in `check`. */
export const sideText = (side: SideState): string => JSON.stringify({ ...side, check: hashOf(JSON.stringify(side)) });

/** The side file of a solverstate. */
export const sidePath = (statePath: string): string | undefined => beside(statePath, ".netrunstate");
/** The file of the replicas' own state, beside a solverstate. */
export const replicasPath = (statePath: string): string | undefined => beside(statePath, ".netrunreplicas");

function beside(statePath: string, ending: string): string | undefined {
  const path = statePath.replace(/\.solverstate(\.h5)?$/, ending);
  return path === statePath ? undefined : path;
}

/**
 * The side state of a solverstate; undefined without one, as beside Caffe's own. Throws NetrunError if it is damaged or
 * belongs to another snapshot than the solverstate.
 */
export function readSideState(statePath: string, iteration: number): SideState | undefined {
  const path = sidePath(statePath);
  if (path === undefined || !statSync(path, { throwIfNoEntry: false })) return undefined;
  const side = parseSide(path);
  if (side.iteration !== iteration) {
    const why = `it is of iteration ${side.iteration}, the solverstate of iteration ${iteration}`;
    throw mixed(path, why);
  }
  if (side.files && side.files.state !== hashFile(statePath)) throw mixed(path, `it does not go with ${statePath}`);
  return side;
}

/**
 * Checks that a side state has a position for each data layer; `feeds` counts those of the train net, then of each test net.
 * Throws NetrunError if it is of other nets.
 */
export function checkPlaces(statePath: string, side: SideState, [train, ...tests]: readonly number[]): void {
  const replicas = side.replicas?.positions ?? [];
  const fits =
    [side.positions, ...replicas].every(({ length }) => length === train) &&
    // Nets that were not tested yet have none.
    side.testPositions.every(({ length }, i) => length === 0 || length === tests[i]);
  if (fits && (side.replicas?.carries ?? replicas).length === replicas.length) return;
  throw new NetrunError("its data layers are not those of these nets", {
    file: sidePath(statePath)!,
    notes: ["a snapshot goes with the nets and data that it was made with"],
  });
}

/** The error of files beside each other that are not of one snapshot. */
export const mixed = (file: string, why: string): NetrunError =>
  new NetrunError(`not of the same snapshot: ${why}`, {
    file,
    notes: [
      "the files of a snapshot go together: take all of them from one run and iteration",
      "without the .netrunstate training resumes as from a snapshot of Caffe's, which nothing checks",
    ],
  });

/** Times the size of a JSON text that its values take at most: lists in lists. */
const JSON_GROWTH = 16;

function parseSide(path: string): SideState {
  const damaged = (why: string, cause?: unknown) =>
    new NetrunError(`damaged side file: ${why}`, {
      file: path,
      notes: ["without it training resumes as from a snapshot of Caffe's: delete it to do so"],
      cause,
    });
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  checkAlloc(JSON_GROWTH * size, "what it holds", path);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw damaged((cause as Error).message, cause);
  }
  const found = v.safeParse(sideState, value);
  if (!found.success) throw damaged(issuesOf(found.issues));
  if (found.output.version === 1) return found.output;
  const { check, ...rest } = value as Readonly<Record<string, unknown>>;
  if (!found.output.files) throw damaged("files: missing");
  if (check !== hashOf(JSON.stringify(rest)))
    throw damaged("its content does not have the hash that it was written with");
  return found.output;
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The SHA-256 of a file, read in pieces. Throws the system's error. */
export function hashFile(path: string): string {
  const hashing = createHash("sha256");
  const piece = Buffer.allocUnsafe(PIECE);
  const fd = openSync(path, "r");
  try {
    for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece)) hashing.update(piece.subarray(0, read));
  } finally {
    closeSync(fd);
  }
  return hashing.digest("hex");
}
