import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { NetrunError } from "../error.js";
import { byNumber, folderOfRun, RUNS_FOLDER, runNames } from "../runs/run-folder.js";
import type { RunSource } from "./run-view.js";
import { StoredRunView } from "./stored-run.js";

interface FoundRun {
  readonly path: string;
  /** For a run that is named by its place. */
  readonly name?: string | undefined;
}

/**
 * The runs that paths name, and those that come while they are shown: a run's folder or JSON log, a folder of runs, that of a sweep, whose
 * runs they are, or one of sweeps.
 */
export class StoredRuns implements RunSource {
  readonly #paths: readonly string[];
  readonly #views = new Map<string, StoredRunView>();
  /** Paths of runs that came later and are damaged. */
  readonly #damaged = new Set<string>();
  readonly #warn: (warning: NetrunError) => void;

  /** Throws NetrunError for a path that is not one of these; `warn` hears of runs that come later and are damaged. */
  constructor(paths: readonly string[] = [RUNS_FOLDER], warn: (warning: NetrunError) => void = () => {}) {
    this.#paths = paths;
    this.#warn = warn;
    for (const run of this.#found()) this.#add(run);
  }

  get runs(): readonly StoredRunView[] {
    return [...this.#views.values()];
  }

  /** The paths of the runs. */
  get folders(): readonly string[] {
    return [...this.#views.keys()];
  }

  look(): readonly StoredRunView[] {
    const added = this.#found().filter(({ path }) => !this.#views.has(path) && !this.#damaged.has(path));
    return added.flatMap((run) => {
      try {
        return this.#add(run);
      } catch (error) {
        if (!(error instanceof NetrunError)) throw error;
        this.#damaged.add(run.path);
        this.#warn(error);
        return [];
      }
    });
  }

  /** A run that has not yet said what it trains waits for the next look. */
  #add({ path, name }: FoundRun): readonly StoredRunView[] {
    const view = new StoredRunView(path, String(this.#views.size), name);
    if (name !== undefined && view.digest.start === undefined && view.status === "running") return [];
    this.#views.set(path, view);
    return [view];
  }

  #found(): readonly FoundRun[] {
    const isOne = this.#paths.length === 1;
    return this.#paths.flatMap((path): readonly FoundRun[] => {
      const runs = runsIn(path);
      // Runs of several folders may have the same name.
      return (
        runs?.map((run) => ({ path: join(path, run), name: isOne ? run : join(basename(path), run) })) ?? [{ path }]
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const view of this.runs) await view[Symbol.asyncDispose]();
  }
}

/** The runs in a folder and in folders in it, such as the folds of a sweep's; undefined for what is no folder of runs, such as a run. */
function runsIn(path: string): readonly string[] | undefined {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isFolder) return path === RUNS_FOLDER ? [] : undefined;
  if (folderOfRun(path) === path) return undefined;
  const names = runNames(path);
  const others = readdirSync(path, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !names.includes(entry.name),
  );
  return [...names, ...others.flatMap(({ name }) => deeper(path, name))].sort(byNumber);
}

/** Runs two folders deep: a folder of sweeps whose runs have folds. */
function deeper(path: string, folder: string): readonly string[] {
  const names = runNames(join(path, folder));
  if (names.length > 0) return names.map((name) => join(folder, name));
  return readdirSync(join(path, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => runNames(join(path, folder, entry.name)).map((name) => join(folder, entry.name, name)));
}
