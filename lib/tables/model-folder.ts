import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Preparation, readPreparation } from "../data/source/prepared/preparation.js";
import { NetrunError } from "../error.js";

/** A net that was written for a table, and trained. */
export interface TableModel {
  readonly folder: string;
  readonly preparation: Preparation;
  readonly deploy: string;
  readonly weights: string;
}

/** The model in a folder, with the weights of its newest snapshot unless some are named. Throws NetrunError where it is none, or not trained. */
export function openModel(folder: string, weights?: string): TableModel {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new NetrunError("no such folder", { file: folder, notes: ["give the one that netrun new wrote"] });
  const path = join(folder, "preparation.json");
  if (!existsSync(path))
    throw new NetrunError("holds no model for tables: there is no preparation.json", {
      file: folder,
      notes: ["netrun new mlp --data TABLE -o FOLDER writes one"],
    });
  const preparation = readPreparation(path);
  return { folder, preparation, deploy: join(folder, "deploy.prototxt"), weights: weights ?? newestWeights(folder) };
}

/** The weights file of the most iterations in a folder. */
export function newestWeights(folder: string): string {
  const found = readdirSync(folder).flatMap((name) => {
    const [, iteration] = /_iter_(\d+)\.caffemodel(\.h5)?$/.exec(name) ?? [];
    return iteration === undefined ? [] : [{ name, iteration: Number(iteration) }];
  });
  const newest = found.sort((a, b) => b.iteration - a.iteration)[0];
  if (newest) return join(folder, newest.name);
  throw new NetrunError("has no weights yet", {
    file: folder,
    notes: [`netrun train ${join(folder, "solver.prototxt")}`, "weights of another place: --weights FILE"],
  });
}
