import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Solver } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { type NewNet, type NewNetOptions, newNet } from "../../lib/tables/new-net.js";

/** Writes a table as CSV; gives its path. */
export function writeTable(folder: string, name: string, rows: readonly (readonly unknown[])[]): string {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${row.join(",")}\n`).join(""));
  return path;
}

/** Trains a solver to its end; the outputs of its last test. */
export async function trainToEnd(path: string): Promise<Readonly<Record<string, readonly number[] | Float32Array>>> {
  await using solver = await Solver.load(path);
  let last: Readonly<Record<string, readonly number[] | Float32Array>> = {};
  for await (const event of train(solver)) if (event.kind === "test") last = event.outputs;
  return last;
}

/** Writes a net for a table into a folder of `folder` and trains it. */
export async function trainedNet(
  folder: string,
  options: Omit<NewNetOptions, "output" | "kind"> & Partial<Pick<NewNetOptions, "kind">>,
) {
  const made: NewNet = await newNet({ kind: "mlp", output: join(folder, "net"), ...options });
  return { made, scores: await trainToEnd(join(folder, "net", "solver.prototxt")) };
}
