/**
 * Prints a digest of every result of a fixed list of nets: blobs, gradients, trajectories, snapshots, converted files. What changes no
 * result changes no line. Run it with `npm run bench:hashes -- [PREFIX...] [--against PATH]`: prefixes of cases' names (layers, nets,
 * solvers, training, files, or longer) choose among them; `--against` takes the path of another built `dist/lib/index.js`, and
 * prints only what differs from it. Cases from the reference data are skipped where ../shared is absent.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import * as own from "../../lib/index.js";
import { type Case, digests, type Library } from "./cases.js";
import { fileCases } from "./files.js";
import { layerCases, netCases } from "./forward-backward.js";
import { solverCases, trainingCases } from "./training.js";

/** The names of the results that differ between two libraries, with both digests. */
async function* differences(one: Case, library: Library, other: Library): AsyncGenerator<string> {
  const after = await digests(one, library);
  const before = await digests(one, other);
  for (const name of new Set([...before.keys(), ...after.keys()]))
    if (before.get(name) !== after.get(name)) yield `${before.get(name)} -> ${after.get(name)}  ${name}`;
}

const { values, positionals } = parseArgs({ options: { against: { type: "string" } }, allowPositionals: true });
const cases = [...layerCases(), ...netCases(), ...solverCases(), ...trainingCases(), ...fileCases()].filter(
  ({ name }) => positionals.length === 0 || positionals.some((prefix) => name.startsWith(prefix)),
);
if (values.against === undefined) {
  for (const each of cases) for (const [name, hash] of await digests(each, own)) console.log(`${hash}  ${name}`);
} else {
  const other = (await import(pathToFileURL(resolve(values.against)).href)) as Library;
  let different = 0;
  for (const each of cases) {
    for await (const line of differences(each, own, other)) {
      console.log(line);
      different++;
    }
  }
  console.log(`${cases.length} cases, ${different} results differ`);
  process.exitCode = different > 0 ? 1 : 0;
}
