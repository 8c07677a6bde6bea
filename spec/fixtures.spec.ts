import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describeShared, goldenCases, goldenNames, root, sharedPath } from "./support/shared.js";

describe("the reference numbers of a bare clone", () => {
  it("are a fair part of all", () => {
    expect(goldenCases("layers")).to.have.length.at.least(146);
    expect(goldenNames("solvers")).to.have.length.at.least(22);
    expect(goldenCases("data")).to.have.length.at.least(12);
    expect(goldenNames("text")).to.have.length.at.least(68);
  });
});

describeShared("the reference numbers in fixtures/", () => {
  it("are those of ../shared to the byte", () => {
    const own = join(root, "fixtures", "goldens");
    const files = readdirSync(own, { recursive: true, encoding: "utf8" }).filter((file) =>
      statSync(join(own, file)).isFile(),
    );
    const different = files.filter(
      (file) => !readFileSync(join(own, file)).equals(readFileSync(sharedPath("goldens", file))),
    );
    expect(different).to.deep.equal([]);
  });
});
