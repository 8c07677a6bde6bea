import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { root } from "./support/shared.js";

describe("docs/performance.md", () => {
  it("names files that there are", () => {
    const page = readFileSync(join(root, "docs/performance.md"), "utf8");
    const files = [...page.matchAll(/`([a-z-]+\.ts)`/g)].map(([, file]) => file!);
    expect(files.filter((file) => !existsSync(join(root, "lib/targets/cpu", file)))).to.deep.equal([]);
    expect(files).to.have.length.above(9);
  });
});
