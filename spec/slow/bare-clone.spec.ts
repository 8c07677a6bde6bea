import { execFile, execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { importGraph, sources } from "../support/imports.js";
import { root } from "../support/shared.js";

const exec = promisify(execFile);

/** Files of the repository as they are here; none where this is no clone. */
function trackedFiles(): readonly string[] {
  try {
    return execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
      .split("\0")
      .filter((file) => file !== "" && existsSync(join(root, file)));
  } catch {
    return [];
  }
}

const files = trackedFiles();

/** Functions of support/shared.ts that look for the folder beside the repository. */
const LOOKING = /\b(?:describeShared|hasShared|sharedPath|goldenPath|goldenNames|goldenCases)\b/;

/** Compiled specs that depend on what is beside the repository, by their own text or what they import; no other can tell the difference. */
function specsThatLookBeside(): readonly string[] {
  const files = sources("spec");
  const looks = new Set(files.filter((file) => LOOKING.test(readFileSync(join(root, file), "utf8"))));
  const graph = importGraph(files);
  for (let before = -1; before < looks.size; ) {
    before = looks.size;
    for (const [file, imports] of graph)
      if (
        file !== "spec/support/shared.ts" &&
        imports.some((each) => each !== "spec/support/shared.ts" && looks.has(each))
      )
        looks.add(file);
  }
  return [...looks]
    .filter((file) => file.endsWith(".spec.ts") && !/^spec\/(?:slow|long)\//.test(file))
    .map((file) => join("dist", file.replace(/\.ts$/, ".js")));
}

describe(`a clone with nothing beside it${files.length > 0 ? "" : " (skipped: not in a git repository)"}`, () => {
  let place = "";
  let clone = "";
  let home = "";

  before(function () {
    if (files.length === 0) this.skip();
    place = mkdtempSync(join(tmpdir(), "netrun-clone-"));
    clone = join(place, "netrun");
    home = join(place, "home");
    for (const file of files) {
      mkdirSync(dirname(join(clone, file)), { recursive: true });
      copyFileSync(join(root, file), join(clone, file));
    }
    // What `npm ci` makes of the lock file.
    symlinkSync(realpathSync(join(root, "node_modules")), join(clone, "node_modules"));
    mkdirSync(home);
  });

  after(() => {
    if (place) rmSync(place, { recursive: true });
  });

  const npm = async (...args: readonly string[]) => {
    // Nothing that this machine has set up, but whether this is CI.
    const { PATH, CI } = process.env;
    const env = { PATH, HOME: home, ...(CI !== undefined && { CI }) };
    try {
      return (await exec("npm", args, { cwd: clone, env, maxBuffer: 2 ** 26 })).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`npm ${args.join(" ")} fails:\n${stdout.slice(-5000)}\n${stderr.slice(-5000)}`, { cause: error });
    }
  };

  it("passes npm test in the specs that look beside it, which prove something and name what they skipped", async () => {
    const specs = specsThatLookBeside();
    expect(specs.length).to.be.within(20, 120);
    const output = await npm("test", "--", ...specs);
    expect(output).not.to.match(/\d+ failing/);
    expect(Number(/(\d+) passing/.exec(output)?.[1])).to.be.at.least(500);
    expect(output).to.include("Skipped without the published files in ../shared");
    expect(output).to.include("- published nets, against what Caffe computed");
  });

  it("loads the slow suite, and names what that would skip", async () => {
    // The hook that sums up does not run then, the titles are shown.
    const output = await npm("run", "test:slow", "--", "--dry-run");
    expect(output).to.match(
      /training for 1,000 iterations from Caffe's initial weights\s+- is skipped: needs the published files/,
    );
    expect(Number(/(\d+) passing/.exec(output)?.[1])).to.be.at.least(10);
  });
});
