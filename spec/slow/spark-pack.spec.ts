import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { packForSpark } from "../../lib/engine/spark/pack.js";
import { freshFolder } from "../support/folder.js";

describe("an archive for a Spark cluster", () => {
  const folder = freshFolder();

  it("has names that Spark takes, nothing of other systems, and a command that runs where it is unpacked", async function () {
    this.timeout(120_000);
    const path = join(folder(), "netrun.tar.gz");
    const { bytes, packages } = await packForSpark(path);
    expect(bytes).to.be.within(30e6, 120e6);
    expect(packages).to.be.above(30);
    const names = execFileSync("tar", ["-tzf", path], { encoding: "utf8" }).trim().split("\n");
    expect(names.filter((name) => name.startsWith("./"))).to.deep.equal([]);
    expect(names.filter((name) => /napi-v\d+\/(darwin|win32)|\.d\.ts$/.test(name))).to.deep.equal([]);
    for (const name of ["bin/node", "bin/netrun.js", "package.json", "dist/lib/index.js"])
      expect(names).to.include(name);
    execFileSync("tar", ["-xzf", path, "-C", folder()]);
    const layers = execFileSync(join(folder(), "bin/node"), ["bin/netrun.js", "layers", "ReLU"], {
      cwd: folder(),
      env: { PATH: "/nowhere" },
      encoding: "utf8",
    });
    expect(layers).to.contain("ReLU");
  });
});
