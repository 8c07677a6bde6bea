import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { Isolated } from "../lib/isolated.js";
import { failure } from "./support/failure.js";
import { root } from "./support/shared.js";

/** A reader that does what it is asked to. */
const READER = `
  import { serveIsolated } from ${JSON.stringify(pathToFileURL(join(root, "dist", "lib", "isolated-child.js")).href)};
  serveIsolated(async (request) => {
    if (request === "abort") process.abort();
    if (request === "loop") for (;;);
    if (request === "invalid size") { const set = []; for (let i = 0; ; i++) set.push(i); }
    if (request === "fill") for (const kept = []; ; ) kept.push(Buffer.alloc(2 ** 26, 1));
    if (request === "fail") throw new Error("it fails");
    return Float32Array.of(1, 2);
  });`;

describe("readers in separate processes", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "netrun-isolated-"));
  after(() => rmSync(folder, { recursive: true }));

  const open = (timeoutMs = 20_000) => {
    const file = join(folder, "reader.mjs");
    writeFileSync(file, READER);
    return new Isolated(pathToFileURL(file), [], { file: "data.x", what: "the file cannot be read", timeoutMs });
  };

  it("return typed arrays and failures, and continue after failures", async () => {
    await using reader = open();
    await failure(reader.ask("fail"), "data.x: the file cannot be read\nnote: Error: it fails");
    expect(await reader.ask("values")).to.deep.equal(Float32Array.of(1, 2));
  });

  for (const [request, reason] of [
    ["abort", "its reader ended (SIGABRT)"],
    ["invalid size", "its reader ended (SIG"],
  ] as const)
    it(`end with an error where they ${request}`, async () => {
      // Memory is filled first, which takes long on a busy machine.
      await using reader = open(50_000);
      await failure(reader.ask(request), reason);
    });

  it("end with an error where they take too long", async () => {
    await using reader = open(1000);
    await failure(reader.ask("loop"), "reading takes longer than 1 s");
  });

  it("are not late where their caller was busy itself", async () => {
    await using reader = open(500);
    await reader.ask("values");
    const answer = reader.ask("values");
    await new Promise(setImmediate);
    for (const end = performance.now() + 1000; performance.now() < end; );
    expect(await answer).to.deep.equal(Float32Array.of(1, 2));
  });

  it("may take longer than timers count", async () => {
    await using reader = open(1e12);
    expect(await reader.ask("values")).to.deep.equal(Float32Array.of(1, 2));
  });

  it("end with an error where they take more memory than the limit", async () => {
    process.env["NETRUN_MAX_ALLOC"] = "64M";
    try {
      await using reader = open();
      await failure(reader.ask("fill"), "more memory than the limit, which --max-alloc raises");
    } finally {
      delete process.env["NETRUN_MAX_ALLOC"];
    }
  });

  it("may be closed while they read, by a program that waits for nothing else", () => {
    const reader = join(folder, "busy.mjs");
    writeFileSync(reader, READER);
    const program = `
      import { Isolated } from ${JSON.stringify(pathToFileURL(join(root, "dist", "lib", "isolated.js")).href)};
      const reader = new Isolated(new URL(${JSON.stringify(pathToFileURL(reader).href)}), [], { file: "x", what: "no" });
      await reader.ask("values");
      reader.ask("loop").catch(() => {});
      await new Promise(setImmediate);
      await reader[Symbol.asyncDispose]();
      console.log("closed");`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
    });
    expect({ stdout, status }).to.deep.equal({ stdout: "closed\n", status: 0 });
  });
});
