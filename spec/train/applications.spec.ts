import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Solver } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";
import { prng } from "../support/prng.js";
import { root } from "../support/shared.js";

describe("models/adult", () => {
  const folder = freshFolder();

  /** Rows as in UCI's file: no names, texts behind spaces; the income follows from age and education. */
  function writePeople(count: number): string {
    const draw = prng(3);
    const one = (...texts: readonly string[]) => texts[Math.floor(draw() * texts.length)]!;
    const rows = Array.from({ length: count }, () => {
      const [age, years] = [17 + Math.floor(draw() * 60), 1 + Math.floor(draw() * 16)];
      return [
        ...[age, one("Private", "State-gov", "?"), Math.floor(draw() * 400_000), one("Bachelors", "Masters"), years],
        ...[
          one("Divorced", "Widowed"),
          one("Sales", "?"),
          one("Wife", "Husband"),
          one("Black", "White"),
          one("Female", "Male"),
        ],
        ...[draw() < 0.9 ? 0 : 5000, 0, 40, one("United-States", "Mexico"), age + 3 * years > 70 ? ">50K" : "<=50K"],
      ].join(", ");
    });
    const path = join(folder(), "adult.csv");
    writeFileSync(path, `${rows.join("\n")}\n`);
    return path;
  }

  it("learns from a table with the columns of the census data, on two replicas", async () => {
    const data = writePeople(1024);
    const solver = join(root, "models", "adult", "solver.prototxt");
    const settings = { net: join(root, "models", "adult", "train_test.prototxt"), display: 0 };
    await using adult = await Solver.load(solver, { data, workers: 2, syncInterval: 10, settings });
    for (let round = 0; round < 10; round++) await adult.run(10);
    const { accuracy } = await adult.test();
    expect(accuracy).to.be.above(0.85);
  });
});
