import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { explain } from "../../lib/tables/explain.js";
import { newNet } from "../../lib/tables/new-net.js";
import { freshFolder } from "../support/folder.js";
import { prng } from "../support/prng.js";
import { writeTable } from "../support/tables.js";

/** Importance of each input by H2O's loops: `w1` [hidden, inputs], `w2` [outputs, hidden], absolute values. */
function looped(w1: readonly (readonly number[])[], w2: readonly (readonly number[])[]): readonly number[] {
  const inputs = w1[0]!.map((_, i) => i);
  const importance = inputs.map(() => 0);
  for (const outputs of w2) {
    const intoOutput = outputs.reduce((sum, w) => sum + Math.abs(w), 0);
    const q = inputs.map((i) =>
      w1.reduce((sum, row, j) => {
        const intoUnit = row.reduce((total, w) => total + Math.abs(w), 0);
        return sum + ((Math.abs(row[i]!) / intoUnit) * Math.abs(outputs[j]!)) / intoOutput;
      }, 0),
    );
    const all = q.reduce((sum, each) => sum + each, 0);
    for (const i of inputs) importance[i]! += q[i]! / all;
  }
  return importance;
}

/** A flat matrix as rows. */
const rowsOf = (data: Float32Array, width: number): readonly (readonly number[])[] =>
  Array.from({ length: data.length / width }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);

describe("the importance of a table's columns", () => {
  const folder = freshFolder();

  /** A net for columns a (a number), t (three texts) and b, with random weights in its folder; the weights by layer. */
  async function withWeights(options: object): Promise<ReadonlyMap<string, Float32Array>> {
    const draw = prng(5);
    const rows = Array.from({ length: 30 }, (_, i) => [draw(), ["x", "y", "z"][i % 3]!, draw(), i % 2 ? "yes" : "no"]);
    const data = writeTable(folder(), "t.csv", [["a", "t", "b", "label"], ...rows]);
    const output = join(folder(), "net");
    await newNet({ kind: "mlp", data, label: "label", hidden: [5, 4], output, ...options });
    await using net = await Net.load(join(output, "deploy.prototxt"), { seed: 3 });
    await net.save(join(output, "solver_iter_1.caffemodel"));
    return new Map([...net.params].map(([name, blobs]) => [name, blobs[0]!.data.slice()]));
  }

  async function expectColumns(wanted: Readonly<Record<string, number>>): Promise<void> {
    const found = await explain({ model: join(folder(), "net") });
    const values = Object.values(wanted);
    const [greatest, sum] = [Math.max(...values), values.reduce((total, each) => total + each, 0)];
    expect(found.map(({ column }) => column)).to.deep.equal(
      Object.keys(wanted).sort((one, other) => wanted[other]! - wanted[one]!),
    );
    for (const { column, relative, scaled, percentage } of found) {
      expect(relative, column).to.be.closeTo(wanted[column]!, 1e-5);
      expect(scaled).to.be.closeTo(wanted[column]! / greatest, 1e-5);
      expect(percentage).to.be.closeTo(wanted[column]! / sum, 1e-5);
    }
  }

  it("is that of H2O's loops over the first two layers' weights, categories summed", async () => {
    const weights = await withWeights({});
    const [a, x, y, z, b] = looped(rowsOf(weights.get("hidden1")!, 5), rowsOf(weights.get("hidden2")!, 5));
    await expectColumns({ a: a!, t: x! + y! + z!, b: b! });
  });

  it("counts what each category adds to a unit where they are embedded, and both pieces of maxout", async () => {
    const embedded = await withWeights({ embed: 2, activation: "maxout" });
    const table = rowsOf(embedded.get("t_embedding")!, 2);
    // Inputs are a, b and the two numbers of t; a unit has two rows of weights.
    const pieces = rowsOf(embedded.get("hidden1_pieces")!, 4).map((row) => [
      row[0]!,
      row[1]!,
      ...table.map((numbers) => numbers[0]! * row[2]! + numbers[1]! * row[3]!),
    ]);
    const units = Array.from({ length: 5 }, (_, j) =>
      pieces[2 * j]!.map((w, i) => Math.abs(w) + Math.abs(pieces[2 * j + 1]![i]!)),
    );
    const [a, b, ...t] = looped(units, rowsOf(embedded.get("hidden2_pieces")!, 5));
    await expectColumns({ a: a!, b: b!, t: t.reduce((sum, each) => sum + each, 0) });
  });
});
