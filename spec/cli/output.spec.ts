import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
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

describe("standard error that nobody reads", () => {
  it("does not stop a command, whose exit status reports its result", async () => {
    // A warning for each unknown field.
    const net = `name: "n" ${Array.from({ length: 50 }, (_, i) => `unknown${i}: 1`).join(" ")}`;
    const folder = mkdtempSync(join(tmpdir(), "netrun-spec-"));
    try {
      writeFileSync(join(folder, "net.prototxt"), net);
      const args = [join(root, "bin", "netrun.js"), "upgrade", join(folder, "net.prototxt"), "-o", join(folder, "out")];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      child.stderr.destroy();
      const [status, signal] = await once(child, "exit");
      expect([status, signal]).to.deep.equal([0, null]);
      expect(existsSync(join(folder, "out"))).to.equal(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
