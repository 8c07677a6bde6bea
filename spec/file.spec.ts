import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { linesIn, replaceFile, writeWhole } from "../lib/file.js";
import { failure } from "./support/failure.js";
import { freshFolder } from "./support/folder.js";

describe("the lines of a text", () => {
  const folder = freshFolder();
  const read = (text: string | Buffer) => {
    const path = join(folder(), "text");
    writeFileSync(path, text);
    return Array.from(linesIn(path), ({ line, whole }) => `${line}${whole ? "" : " (cut off)"}`);
  };

  it("are read piece by piece, without their ends, characters over the end of a piece whole", () => {
    const long = "ä".repeat(3e6);
    expect(read(`a${long}\r\n\nb\nc`)).to.deep.equal([`a${long}`, "", "b", "c (cut off)"]);
    expect(read("")).to.deep.equal([]);
  });

  it("are refused where one would fill the memory", () => {
    expect(() => read(Buffer.alloc(18 * 2 ** 20, "x"))).to.throw("a line of more than 16777216 characters");
  });
});

describe("replaceFile", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "netrun-file-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("writes a file and nothing else, and makes its folder", async () => {
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
