import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { writePieces } from "../../lib/file.js";

describe("converting ResNet-152 with verification", () => {
  it("takes less than three times the memory of its weights, by the command line and by the API", () => {
    const bench = fileURLToPath(new URL("../../bench/convert.js", import.meta.url));
    const text = execFileSync(process.execPath, [bench], { encoding: "utf8" });
    const times = [...text.matchAll(/: ([\d.]+) times the weights/g)].map(([, number]) => Number(number));
    expect(times, text).to.have.length(2);
    for (const each of times) expect(each, text).to.be.lessThan(3);
  });
});

describe("a file of weights of which one layer has 2 GiB", () => {
  it("is written whole", () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-size-"));
    try {
      const path = join(folder, "weights.data");
      const layer = new Uint8Array(2 ** 31 + 5);
      writePieces(path, [layer, layer.subarray(0, 3)]);
      expect(statSync(path).size).to.equal(2 ** 31 + 8);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
