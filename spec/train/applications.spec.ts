import { join } from "node:path";
import { expect } from "chai";
import { Solver } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";
import { writePeople } from "../support/people.js";
import { root } from "../support/shared.js";

describe("models/adult", () => {
  const folder = freshFolder();

  it("learns from a table with the columns of the census data, on two replicas", async () => {
    const data = join(folder(), "adult.csv");
    writePeople(data, 1024);
    const solver = join(root, "models", "adult", "solver.prototxt");
    const settings = { net: join(root, "models", "adult", "train_test.prototxt"), display: 0 };
    await using adult = await Solver.load(solver, { data, workers: 2, syncInterval: 10, settings });
    for (let round = 0; round < 10; round++) await adult.run(10);
    const { accuracy } = await adult.test();
    expect(accuracy).to.be.above(0.85);
  });
});
