import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

describe("converting ResNet-152 with verification", () => {
  it("takes less than three times the memory of its weights, by the command line and by the API", () => {
    const bench = fileURLToPath(new URL("../../bench/convert.js", import.meta.url));
    const text = execFileSync(process.execPath, [bench], { encoding: "utf8" });
    const times = [...text.matchAll(/: ([\d.]+) times the weights/g)].map(([, number]) => Number(number));
    expect(times, text).to.have.length(2);
    for (const each of times) expect(each, text).to.be.lessThan(3);
  });
});
