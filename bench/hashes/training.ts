import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Solver, SolverOptions, Tensor, TrainEvent } from "../../lib/index.js";
import { readSafetensors } from "../../spec/support/safetensors.js";
import { hasShared, root, sharedPath } from "../../spec/support/shared.js";
import type { Case, Library, Results } from "./cases.js";

/**
 * The files of a folder, each with its bytes. Solver states name the weights file by its path: the folder's is blanked out. HDF5 files
 * hold the time they were written and are skipped.
 */
async function* filesIn(folder: string): Results {
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith(".h5")) continue;
    const text = readFileSync(join(folder, file), "latin1").replaceAll(folder, "");
    yield [`file ${file}`, Buffer.from(text, "latin1")];
  }
}

/** A solver's parameters. */
async function* weightsOf({ net }: Solver): Results {
  for (const [layer, blobs] of net.params) for (const [i, { data }] of blobs.entries()) yield [`${layer}/${i}`, data];
}

async function* inFolder(work: (folder: string) => Results): Results {
  const folder = mkdtempSync(join(tmpdir(), "netrun-hashes-"));
  try {
    yield* work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The reference data's solvers, one of every rule and option: losses of 12 iterations, weights and snapshot after them. */
export function solverCases(): readonly Case[] {
  if (!hasShared()) return [];
  return readdirSync(sharedPath("goldens", "solvers")).map((name) => ({
    name: `solvers/${name}`,
    run: ({ Solver }) =>
      inFolder(async function* (folder) {
        const path = (file: string) => sharedPath("goldens", "solvers", name, file);
        const { tensors } = readSafetensors(path("trajectory.safetensors"));
        const batch = (iteration: number): Record<string, Tensor> =>
          Object.fromEntries(
            ["data", "label"].map((blob) => {
              const { shape, data } = tensors.get(blob)!;
              const size = data.length / shape[0]!;
              return [blob, { shape: shape.slice(1), data: data.subarray(iteration * size, (iteration + 1) * size) }];
            }),
          );
        await using solver = await Solver.load(path("solver.prototxt"), {
          weights: path("init.caffemodel"),
          threads: 1,
        });
        const losses: number[] = [];
        while (solver.iteration < 12) losses.push(...(await solver.step(1, batch(solver.iteration))));
        yield ["losses", losses];
        yield* weightsOf(solver);
        const { state } = await solver.snapshot(join(folder, "end"));
        yield* filesIn(folder);
        await using resumed = await Solver.load(path("solver.prototxt"), { snapshot: state, threads: 1 });
        yield ["loss after the snapshot", await resumed.step(1, batch(0))];
      }),
  }));
}

/** Losses and scores of a training, then its snapshot: of the embedded digits, in one replica or several. */
function trainingCase(name: string, options: SolverOptions, test: boolean): Case {
  const run = (library: Library) =>
    inFolder(async function* (folder) {
      const settings = {
        ...(!test && { test_iter: [], test_interval: 0, test_initialization: false }),
        ...(test && { test_iter: [2], test_interval: 10 }),
        max_iter: 20,
        snapshot: 10,
        snapshot_prefix: join(folder, "s"),
        random_seed: 3,
      };
      const path = join(root, "models", "lenet", "solver.prototxt");
      await using solver = await library.Solver.load(path, { ...options, threads: 1, settings });
      const numbers: number[] = [];
      for await (const event of library.train(solver) as AsyncIterable<TrainEvent>) {
        if (event.kind === "iteration") numbers.push(event.loss);
        if (event.kind === "test") for (const values of Object.values(event.outputs)) numbers.push(...values);
      }
      yield ["losses and scores", numbers];
      yield* filesIn(folder);
    });
  return { name: `training/${name}`, run };
}

/** Trainings from the data on: one replica, and two in threads, as plain averages and with averaged history. */
export function trainingCases(): readonly Case[] {
  return [trainingCase("lenet", {}, true), trainingCase("lenet, two replicas", { workers: 2, syncInterval: 5 }, false)];
}
