import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { root } from "../support/shared.js";

describe("training on replicas for two minutes, one in threads and one in processes", () => {
  for (const isolation of ["thread", "process"]) {
    it(`loses no worker and does not grow (${isolation})`, () => {
      const args = [join(root, "dist", "bench", "soak.js"), "--minutes", "1", "--isolation", isolation];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
      expect(status, `${stdout}\n${stderr}`).to.equal(0);
    }).timeout(600_000);
  }
});
