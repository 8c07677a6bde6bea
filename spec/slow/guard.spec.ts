import { spawnSync } from "node:child_process";
import { expect } from "chai";
import { root } from "../support/shared.js";

describe("the speed of training steps", function () {
  this.timeout(600_000);

  it("has not lost more than 15 % of its gain over the portable form", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/bench/step/guard.js"], {
      cwd: root,
      encoding: "utf8",
    });
    console.log(stdout);
    expect(status, stdout + stderr).to.equal(0);
  });
});
