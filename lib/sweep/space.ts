import { NetrunError } from "../error.js";
import { shown } from "../options/number.js";
import { type Random, random } from "../random.js";
import type { Settings } from "./settings.js";

/** Settings that a sweep tries. */
export interface SearchSpace {
  /** Values of a field: every combination is tried. */
  readonly grid?: Readonly<Record<string, readonly (string | number)[]>> | undefined;
  /** Range of a field's values: `0.1..0.9` evenly, `log:1e-5..1e-2` evenly in its logarithm, `int:16..64` whole numbers. */
  readonly random?: Readonly<Record<string, string>> | undefined;
}

/** Draws a value as a prototxt has it. */
type Draw = (random: Random) => string;

/**
 * The settings of each run: every combination of the grid, with draws of their own where something is drawn; the combinations come round
 * again until there are `runs`. The same seed gives the same settings. Throws NetrunError for ranges that are none, and nothing to try.
 */
export function trialSettings(space: SearchSpace, runs: number | undefined, seed: number): readonly Settings[] {
  const combinations = combined(Object.entries(space.grid ?? {}));
  const draws = Object.entries(space.random ?? {}).map(([path, range]) => [path, drawOf(path, range)] as const);
  if (draws.length === 0 && combinations.length === 1 && Object.keys(combinations[0]!).length === 0)
    throw new NetrunError("a sweep has nothing to try", { notes: ["--grid FIELD=A,B or --random FIELD=FROM..TO"] });
  if (draws.length > 0 && runs === undefined)
    throw new NetrunError("how many runs? what is drawn has no end", { notes: ["--max-runs N"] });
  const twice = draws.find(([path]) => Object.hasOwn(space.grid ?? {}, path));
  if (twice) throw new NetrunError(`${twice[0]} is both in the grid and drawn`, { notes: ["give it one way"] });
  const total = draws.length > 0 ? runs! : Math.min(runs ?? Number.POSITIVE_INFINITY, combinations.length);
  return Array.from({ length: total }, (_, i) => ({
    ...combinations[i % combinations.length],
    ...Object.fromEntries(draws.map(([path, draw], k) => [path, draw(random(seed, i, k))])),
  }));
}

function combined(
  grid: readonly (readonly [path: string, values: readonly (string | number)[]])[],
): readonly Settings[] {
  return grid.reduce<readonly Settings[]>(
    (all, [path, values]) => {
      if (!Array.isArray(values) || values.length === 0)
        throw new NetrunError(`the grid of ${path} is ${shown(values)}, no list`);
      return all.flatMap((settings) => values.map((value) => ({ ...settings, [path]: String(value) })));
    },
    [{}],
  );
}

const RANGE = /^(?:(log|int):)?([-+\d.e]+)\.\.([-+\d.e]+)$/i;

function drawOf(path: string, text: string): Draw {
  const [, kind, low, high] = RANGE.exec(text) ?? [];
  const [from, to] = [Number(low), Number(high)];
  const isWhole = kind !== "int" || (Number.isSafeInteger(from) && Number.isSafeInteger(to));
  if (!(from < to) || !isWhole || (kind === "log" && !(from > 0))) {
    throw new NetrunError(`${path}=${text}: no range`, {
      notes: ["FROM..TO, log:FROM..TO with numbers above 0, or int:FROM..TO; FROM is less than TO"],
    });
  }
  const uniform = (draws: Random) => draws.integer(2 ** 31) / 2 ** 31;
  switch (kind) {
    case "int":
      return (draws) => String(from + draws.integer(to - from + 1));
    case "log":
      return (draws) => rounded(Math.exp(Math.log(from) + uniform(draws) * Math.log(to / from)));
    default:
      return (draws) => rounded(from + uniform(draws) * (to - from));
  }
}

/** Four digits say enough of what was drawn, and can be typed again. */
const rounded = (value: number): string => String(Number(value.toPrecision(4)));
