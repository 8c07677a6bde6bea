import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import type { Command } from "../../lib/cli/commands/command.js";
import { commands } from "../../lib/cli/commands/index.js";
import { type CliResult, cli } from "../support/cli.js";
import { root } from "../support/shared.js";

/** Commands whose examples write what those of others read. */
const FIRST = ["new", "train", "dataset", "convert"];

const rank = ({ name }: Command) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
const ordered = [...commands].sort((one, other) => rank(one) - rank(other));

/** Runs a command; one that serves until it is interrupted is. */
async function run(...words: readonly string[]): Promise<CliResult> {
  if (words[0] !== "dashboard") return cli(...words);
  const running = cli(...words);
  const interrupt = setInterval(() => process.emit("SIGTERM", "SIGTERM"), 500);
  return running.finally(() => clearInterval(interrupt));
}

describe("the examples of --help", () => {
  let folder: string;
  const before_ = process.cwd();
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "netrun-examples-"));
    for (const name of ["models", "examples"]) symlinkSync(join(root, name), join(folder, name));
    // A dark stroke on light paper.
    // Not from SVG, which netrun has sharp refuse as soon as it decodes an image, as specs before this one do.
    const plain = (width: number, height: number, background: string) =>
      ({ create: { width, height, channels: 3, background } }) as const;
    await sharp(plain(28, 28, "white"))
      .composite([{ input: plain(4, 20, "black"), left: 12, top: 4 }])
      .png()
      .toFile(join(folder, "digit.png"));
    await sharp(plain(64, 64, "grey"))
      .composite([{ input: plain(24, 24, "red"), left: 12, top: 20 }])
      .png()
      .toFile(join(folder, "shapes.png"));
    process.chdir(folder);
  });
  after(() => {
    process.chdir(before_);
    rmSync(folder, { recursive: true });
  });

  for (const { name, examples, options } of ordered) {
    it(`of ${name} run as they stand`, async () => {
      expect(examples).not.to.deep.equal([]);
      for (const line of examples) {
        const [program, ...words] = line.split(" ");
        expect(program).to.equal("netrun");
        expect(words[0]).to.equal(name);
        const { status, stderr } = await run(...words);
        expect([line, status, stderr]).to.deep.equal([line, 0, stderr]);
        const output = words[words.indexOf("-o") + 1]!;
        if (words.includes("-o")) expect([line, existsSync(output)]).to.deep.equal([line, true]);
      }
    });

    if (!("json" in options)) continue;
    it(`of ${name} print only JSON with --json`, async () => {
      const { status, stdout } = await run(...examples[0]!.split(" ").slice(1), "--json");
      expect(status).to.equal(0);
      const documents = ["train", "pretrain"].includes(name) ? stdout.trimEnd().split("\n") : [stdout];
      for (const text of documents) expect(JSON.parse(text)).to.be.an.instanceOf(Object);
      expect(documents.length).to.be.greaterThan(0);
    });
  }

  it("leave little to print with --quiet: the result", async () => {
    const line = commands.find(({ name }) => name === "train")!.examples[0]!;
    const { stdout } = await cli(...line.split(" ").slice(1), "--quiet");
    const [model, state] = ["snapshots/lenet_iter_100.caffemodel", "snapshots/lenet_iter_100.solverstate"];
    expect(stdout).to.equal(`weights  ${model}\nstate    ${state}\n`);
  });
});
