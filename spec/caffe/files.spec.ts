import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { findPath, readBytes, textOf } from "../../lib/caffe/files.js";
import { loadNet } from "../../lib/caffe/load.js";
import { readImageFile } from "../../lib/data/image/file.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import type { NetrunError } from "../../lib/error.js";
import { readArtifact } from "../../lib/inspect/identify.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

describe("what is no file", () => {
  const folder = freshFolder();
  const pipe = () => {
    const path = join(folder(), "pipe");
    execFileSync("mkfifo", [path]);
    return path;
  };
  const refused = (read: () => unknown, text: string) => failure((async () => read())(), text);

  it("is refused where it is a pipe that nobody may write into", async () => {
    const path = pipe();
    await refused(() => readArtifact(path), "pipe: is a pipe, not a file");
    await refused(() => loadNet(path), "pipe is a pipe");
    await refused(() => detectSource(path), "pipe: is a pipe, not a file");
    await refused(() => openSource({ kind: "idx", images: path, labels: path }), "pipe: is a pipe, not a file");
    expect(await readImageFile(path).catch((error: Error) => error.message)).to.include("pipe is no file");
  });

  it("is refused where it is a device, whose bytes may have no end", async () => {
    await refused(() => readArtifact("/dev/zero"), "/dev/zero: is a device, not a file");
    await refused(() => detectSource("/dev/zero"), "/dev/zero: is a device, not a file");
    expect(await readImageFile("/dev/zero").catch((error: Error) => error.message)).to.include("is no file");
  });

  it("is read where a shell made the pipe for this command", () => {
    const program = `import { loadNet } from ${JSON.stringify(new URL("../../lib/caffe/load.js", import.meta.url).href)};
      console.log(loadNet("/dev/stdin").message.name);`;
    const text = `name: "piped"\nlayer { name: "x" type: "Input" top: "x" }`;
    const command = `printf '%s' "$2" | "$0" --input-type=module --eval "$1"`;
    const said = execFileSync("sh", ["-c", command, process.execPath, program, text]);
    expect(said.toString()).to.equal("piped\n");
  });

  it("is an error with its name where symbolic links go in a circle", async () => {
    const path = join(folder(), "circle");
    symlinkSync(path, path);
    await refused(() => readArtifact(path), "circle: cannot be read: ELOOP");
    await refused(() => detectSource(path), "circle: cannot be read: ELOOP");
    await refused(() => loadNet(path), "no such file:");
  });

  it("is refused where it is a folder", async () => {
    const path = join(folder(), "folder");
    mkdirSync(path);
    await refused(() => loadNet(path), "folder is a folder");
  });
});

describe("a file that is read whole", () => {
  const folder = freshFolder();
  const sparse = (bytes: number) => {
    const path = join(folder(), "large.prototxt");
    writeFileSync(path, "");
    truncateSync(path, bytes);
    return path;
  };
  const limited = (value: string, read: () => unknown): NetrunError | undefined => {
    process.env["NETRUN_MAX_ALLOC"] = value;
    try {
      read();
      return undefined;
    } catch (error) {
      return error as NetrunError;
    } finally {
      delete process.env["NETRUN_MAX_ALLOC"];
    }
  };

  it("has a limit, and the flag that raises it is named", async () => {
    const path = sparse(2 ** 30 + 1);
    await failure(
      (async () => readBytes(path))(),
      "has 1.0 GiB, and the limit of a file that is read whole is 1.0 GiB",
    );
    await failure((async () => readBytes(path))(), "note: raise the limit: --max-alloc SIZE");
  });

  it("has none less than that where --max-alloc is small: the file is there, and nothing that it declares", () => {
    const path = sparse(2 ** 20);
    expect(limited("64k", () => readBytes(path))).to.equal(undefined);
  });

  it("is never larger than what a message can be", () => {
    const path = sparse(2 ** 31);
    const error = limited("8G", () => readBytes(path))!;
    expect(error.format()).to.include("the limit of a file that is read whole is 2.0 GiB");
    expect(error.format()).to.not.include("--max-alloc");
  });

  it("is a text only as far as a string can hold it", async () => {
    await failure((async () => textOf(new Uint8Array(2 ** 29), "long.txt"))(), "long.txt: is a text of 512.0 MiB");
  });
});

describe("paths in a file", () => {
  const folder = freshFolder();

  it("are found beside it, and those that name a folder above it too", () => {
    mkdirSync(join(folder(), "models", "a"), { recursive: true });
    mkdirSync(join(folder(), "examples", "b", "deep"), { recursive: true });
    writeFileSync(join(folder(), "models", "a", "net.prototxt"), "");
    writeFileSync(join(folder(), "mean.binaryproto"), "");
    const inner = join(folder(), "examples", "b", "deep");
    const net = join(folder(), "models", "a", "net.prototxt");
    expect(findPath("net.prototxt", join(folder(), "models", "a"))).to.equal(net);
    expect(findPath("models/a/net.prototxt", join(folder(), "models", "a"))).to.equal(net);
    expect(findPath("models/a/net.prototxt", inner)).to.equal(net);
    // A name alone may be any file's, and points say where to look.
    expect(findPath("mean.binaryproto", inner)).to.equal(undefined);
    expect(findPath("./models/a/net.prototxt", inner)).to.equal(undefined);
    expect(findPath("models/a/none.prototxt", inner)).to.equal(undefined);
  });
});
