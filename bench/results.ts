import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { root } from "../spec/support/shared.js";

/** Figures of one benchmark, in bench/results/NAME.json: `--write` keeps them there, and the docs' tables are made of them. */
export interface Kept<Row> {
  readonly processor: string;
  readonly cores: number;
  /** Day of the last figures. */
  readonly date: string;
  readonly rows: readonly Row[];
}

export interface InferenceRow {
  readonly net: string;
  readonly batch: number;
  readonly netrunMs: number;
  readonly torchMs: number;
  readonly openCvMs: number;
}

export interface StatisticsRow {
  readonly net: string;
  readonly iterationMs: number;
  readonly withStatisticsMs: number;
}

export interface TrainRow {
  readonly net: string;
  readonly iterationMs: number;
  /** Share of the time that was waiting for data. */
  readonly wait: number;
}

export interface MemoryRow {
  readonly net: string;
  readonly batch: number;
  readonly netrunMB: number;
  /** Least of PyTorch's layouts; absent where it was not measured. */
  readonly torchMB?: number;
  /** Weights, gradients and history. */
  readonly vectorsMB: number;
}

export interface SweepRow {
  readonly search: "grid" | "halving" | "median";
  /** Of all runs. */
  readonly iterations: number;
  /** Of the best run, on the test set. */
  readonly accuracy: number;
  readonly seconds: number;
}

export interface StartupRow {
  readonly command: string;
  readonly seconds: number;
}

interface Rows {
  readonly inference: InferenceRow;
  readonly statistics: StatisticsRow;
  readonly train: TrainRow;
  readonly memory: MemoryRow;
  readonly startup: StartupRow;
  readonly sweep: SweepRow;
}

const pathOf = (name: string) => join(root, "bench/results", `${name}.json`);

/** Kept figures of a benchmark. */
export const kept = <Name extends keyof Rows>(name: Name): Kept<Rows[Name]> =>
  JSON.parse(readFileSync(pathOf(name), "utf8")) as Kept<Rows[Name]>;

/** Keeps figures of a benchmark, in place of those whose fields that are no numbers, and batch, are the same. */
export function keep<Name extends keyof Rows>(name: Name, rows: readonly Rows[Name][]): void {
  const keyOf = (row: Rows[Name]) =>
    JSON.stringify(Object.entries(row).filter(([field, value]) => field === "batch" || typeof value !== "number"));
  const measured = new Set(rows.map(keyOf));
  const before = kept(name).rows.filter((row) => !measured.has(keyOf(row)));
  const machine = {
    processor: cpus()[0]!.model.trim(),
    cores: cpus().length,
    date: new Date().toISOString().slice(0, 10),
  };
  writeFileSync(pathOf(name), `${JSON.stringify({ ...machine, rows: [...before, ...rows] }, undefined, 2)}\n`);
}
