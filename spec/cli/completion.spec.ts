import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { cli } from "../support/cli.js";
import { freshFolder } from "../support/folder.js";

const has = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

describe("completion", () => {
  const folder = freshFolder();

  async function script(shell: string): Promise<string> {
    const path = join(folder(), `netrun.${shell}`);
    writeFileSync(path, (await cli("completion", shell)).stdout);
    return path;
  }

  const inShell = (shell: string) => (has(shell) ? it : it.skip);
  const without = (shell: string) => (has(shell) ? "" : ` (skipped: no ${shell})`);

  inShell("bash")(`in bash gives commands, flags, and the words of a flag${without("bash")}`, async () => {
    const path = await script("bash");
    const completed = (...words: readonly string[]) =>
      execFileSync(
        "bash",
        [
          "-c",
          `source ${path}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _netrun; echo "\${COMPREPLY[@]}"`,
          "bash",
          ...words,
        ],
        { encoding: "utf8" },
      ).trim();
    expect(completed("netrun", "conv")).to.equal("convert");
    expect(completed("netrun", "device_")).to.equal("device_query");
    expect(completed("netrun", "train", "s.prototxt", "--base-l")).to.equal("--base-lr");
    expect(completed("netrun", "train", "--averaging", "")).to.equal("mean elastic");
    expect(completed("netrun", "plot", "--base-l")).to.equal("");
  });

  inShell("fish")(`in fish gives the same${without("fish")}`, async () => {
    const path = await script("fish");
    const completed = (line: string) =>
      execFileSync("fish", ["-c", `source ${path}; complete -C '${line}'`], { encoding: "utf8" })
        .trimEnd()
        .split("\n")
        .map((each) => each.split("\t")[0]);
    expect(completed("netrun conv")).to.deep.equal(["convert"]);
    expect(completed("netrun train --base-l")).to.deep.equal(["--base-lr"]);
    expect(completed("netrun train --averaging ")).to.have.members(["mean", "elastic"]);
  });

  inShell("zsh")(`in zsh is a sound script${without("zsh")}`, async () => {
    expect(spawnSync("zsh", ["-n", await script("zsh")], { encoding: "utf8" })).to.include({ status: 0, stderr: "" });
  });

  it("is for shells that netrun knows", async () => {
    expect((await cli("completion", "tcsh")).stderr).to.equal("<shell> tcsh: give one of bash, zsh, fish\n");
  });
});
