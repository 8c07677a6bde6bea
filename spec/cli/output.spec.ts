import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { root } from "../support/shared.js";

describe("standard output on a full disk", () => {
  it("is an error of one line", function () {
    if (!existsSync("/dev/full")) this.skip();
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [join(root, "bin", "netrun.js"), "layers"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    expect(stderr).to.match(/^cannot write to standard output: ENOSPC.*\n$/);
    expect(status).to.equal(1);
  });
});
