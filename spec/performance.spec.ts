import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type Results, tablesOf, withTable } from "../bench/step/results.js";
import { root } from "./support/shared.js";

describe("docs/performance.md", () => {
  it("has the table of the results beside the benchmark", () => {
    const results = JSON.parse(readFileSync(join(root, "bench/results/step.json"), "utf8")) as Results;
    const page = readFileSync(join(root, "docs/performance.md"), "utf8");
    expect(withTable(page, tablesOf(results)) === page, "npm run bench -- --write makes it").to.equal(true);
  });

  it("names files that there are", () => {
    const page = readFileSync(join(root, "docs/performance.md"), "utf8");
    const files = [...page.matchAll(/`([a-z-]+\.ts)`/g)].map(([, file]) => file!);
    expect(files.filter((file) => !existsSync(join(root, "lib/targets/cpu", file)))).to.deep.equal([]);
    expect(files).to.have.length.above(9);
  });
});
