import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { replaceFile, writeWhole } from "../lib/file.js";
import { failure } from "./support/failure.js";

describe("replaceFile", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-file-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("writes a file and leaves nothing else behind, making its folder", async () => {
    await writeWhole(join(folder, "deep", "a.txt"), "new");
    expect(readFileSync(join(folder, "deep", "a.txt"), "utf8")).to.equal("new");
    expect(readdirSync(join(folder, "deep"))).to.deep.equal(["a.txt"]);
  });

  it("leaves the old file as it was where writing fails half-way", async () => {
    const path = join(folder, "a.txt");
    await writeWhole(path, "old");
    const writing = replaceFile(path, (temporary) => {
      writeFileSync(temporary, "half");
      throw new Error("disk full");
    });
    await failure(writing, `${path}: cannot write the file: disk full`);
    expect(readFileSync(path, "utf8")).to.equal("old");
    expect(readdirSync(folder)).to.deep.equal(["a.txt"]);
  });

  it("takes the place of no pipe, and of nothing among the system's devices", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    await failure(writeWhole(pipe, "new"), `${pipe}: is a pipe, not a file`);
    expect(statSync(pipe).isFIFO()).to.equal(true);
    await failure(writeWhole("/proc/netrun", "new"), "/proc/netrun: is no place for a file");
  });

  it("says what is in the way where a folder cannot be made", async () => {
    writeFileSync(join(folder, "file"), "");
    await failure(writeWhole(join(folder, "file", "a.txt"), "new"), "cannot write the file: ");
  });
});
