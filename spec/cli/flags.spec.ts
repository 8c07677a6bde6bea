import { expect } from "chai";
import { Parser } from "yargs/helpers";
import { GLOBAL } from "../../lib/cli/commands/command.js";
import { commands } from "../../lib/cli/commands/index.js";
import { parseCommand, splitterFor } from "../../lib/cli/parse.js";
import { commandNamed, requestOf } from "../../lib/cli/request.js";
import { flagOf, type OptionSpec } from "../../lib/options/option.js";
import { cli } from "../support/cli.js";

/** Values of a command line. */
function parsed(...argv: readonly string[]): Record<string, unknown> {
  const { command, rest } = requestOf(argv, commands);
  return parseCommand(commandNamed(command, commands), rest, commands, Parser) as Record<string, unknown>;
}

describe("flags", () => {
  it("are split from words by yargs, and words alone as yargs splits them", async () => {
    expect(await splitterFor(["a", "--json"])).to.equal(Parser);
    const split = await splitterFor(["a", "1"]);
    expect(split).not.to.equal(Parser);
    const command = commandNamed("inspect", commands);
    for (const words of [["a.prototxt"], ["1"], ["b=c"]])
      expect(parseCommand(command, words, commands, split)).to.deep.equal(
        parseCommand(command, words, commands, Parser),
      );
  });

  it("have one dash or two, dashes, underscores or capitals, and values after a space or =", () => {
    for (const line of [
      ["-sigint_effect=none", "-max_iter", "5", "--base-lr=0.5"],
      ["--sigint-effect", "none", "--max_iter=5", "-base_lr", "0.5"],
      ["--sigintEffect=none", "--max-iter", "5", "--base_lr", "0.5"],
    ]) {
      const { sigintEffect, max_iter, base_lr } = parsed("train", "solver.prototxt", ...line);
      expect([sigintEffect, max_iter, base_lr]).to.deep.equal(["none", 5, 0.5]);
    }
  });

  it("come before or after the command and its words, which flags may give too", () => {
    expect(parsed("--strict", "inspect", "a")).to.include({ strict: true, file: "a" });
    expect(parsed("inspect", "--json", "a", "--strict")).to.include({ strict: true, file: "a", json: true });
    expect(parsed("train", "--model", "a")).to.include({ model: "a" });
    expect(parsed("inspect", "--", "-a")).to.include({ file: "-a" });
  });

  it("of booleans may be negated or say true or false", () => {
    const fold = (...line: string[]) => parsed("convert", "n", "-o", "x", ...line)["fold"];
    expect([fold(), fold("--no-fold"), fold("--fold=false"), fold("--fold", "false"), fold("--fold")]).to.deep.equal([
      true,
      false,
      false,
      false,
      true,
    ]);
    const verify = (...line: string[]) => parsed("convert", "n", "-o", "x", ...line)["verify"];
    expect([verify(), verify("--verify"), verify("--no-verify"), verify("--verify", "3")]).to.deep.equal([
      undefined,
      true,
      false,
      "3",
    ]);
  });

  it("whose names begin with no- are no negations, and may be negated by false", () => {
    const noMean = (...line: string[]) => parsed("train", "s", ...line)["noMean"];
    expect([noMean(), noMean("--no-mean"), noMean("--no-mean=false")]).to.deep.equal([undefined, true, false]);
  });

  it("take negative numbers, with exponents too, and the value after a short flag", () => {
    expect(parsed("train", "s", "--scale", "-1e-5")).to.include({ scale: -1e-5 });
    expect(parsed("inspect", "a", "--level", "-2")).to.include({ level: -2 });
    expect(parsed("draw", "n", "-o", "-")["output"]).to.equal("-");
  });

  it("that say where to write are spelled alike in all commands", () => {
    for (const flag of ["-o", "--output", "--out", "-out"]) {
      for (const line of ["draw n", "plot l", "convert n w", "mean d", "upgrade f", "dataset digits", "import s"])
        expect(parsed(...line.split(" "), flag, "x")).to.include({ output: "x" });
    }
    for (const { name, options } of commands)
      expect([name, Object.hasOwn(options, "out")]).to.deep.equal([name, false]);
  });

  it("of the net may be a word: train, test, time, extract", () => {
    for (const name of ["test", "time", "extract"]) {
      const rest = ["--weights", "w", ...(name === "extract" ? ["--blobs", "b", "-o", "x"] : [])];
      expect(parsed(name, "net.prototxt", ...rest)).to.deep.equal(parsed(name, "-model", "net.prototxt", ...rest));
    }
  });

  it("of the examples are read", () => {
    for (const { examples } of commands) for (const line of examples) parsed(...line.split(" ").slice(1));
  });

  it("of several numbers take them one by one, in a row or with commas", () => {
    const means = (...line: string[]) => parsed("train", ...line)["meanValue"];
    expect(means("--mean-value", "104", "-117", "123.5", "solver.prototxt")).to.deep.equal([104, -117, 123.5]);
    expect(means("--mean-value", "104", "--mean-value=117")).to.deep.equal([104, 117]);
    expect(means("--mean-value", "104,117,123")).to.deep.equal([104, 117, 123]);
  });

  it("have units that the API may count otherwise, and words for numbers", () => {
    expect(parsed("train", "--workers", "2", "--sync-interval", "auto")).to.include({ syncInterval: "auto" });
  });

  for (const [line, message] of [
    ["test -model a -weights b -iterations 1.5", "--iterations 1.5: give a whole number of batches, 1 or more"],
    ["test -model a -weights b -iterations abc", "--iterations abc: give a whole number of batches, 1 or more"],
    ["test -model a -weights b -iterations -5", "--iterations -5: give a whole number of batches, 1 or more"],
    ["train s --max-iter 1.5", "--max-iter 1.5: give a whole number of iterations, 0 or more"],
    ["train s --base-lr 0,01", "--base-lr 0,01: give a number, 0 or more\nnote: decimals follow a point: 0.01"],
    ["train s --test-iter 5 x", '"x" is an unexpected argument\nnote: usage: netrun train [model]'],
    [
      "train s --workers 2 --sync-interval often",
      "--sync-interval often: give a whole number of iterations, 1 or more",
    ],
    ["classify i -model a -weights b --scale abc", "--scale abc: give a number"],
    ["test -model a -weights b --threads abc", "--threads abc: give a whole number of threads from 1 to 1024"],
    ["test -model a -weights b --batch-size", "--batch-size has no value"],
    ["test -model a -weights b --data --batch-size 3", "--data has no value"],
    ["test -model a -weights b --threads 1 --threads 2", "--threads is given 2 times: 1, 2"],
    ["train s --averaging maen", "--averaging maen: give one of mean, elastic\nnote: did you mean mean?"],
    ["convert n -o x --shape data=1,a", "--shape data=1,a: dimension a: give a whole number, 1 or more"],
    ["convert n -o x --shape data", "--shape data: give BLOB=DIM,DIM,..."],
    ["convert n -o x --opset 12", "--opset 12: give a whole number from 13 to 21"],
    ["train s --batchsize 3", "netrun train has no flag --batchsize\nnote: did you mean --batch-size?"],
    ["train s --no-threads", "netrun train has no flag --no-threads"],
    ["convert n -o x --fold=maybe", "--fold=maybe: give true or false"],
    ["train s --data=", "--data has no value"],
    ["train s --__proto__ 3", "netrun train has no flag"],
    ["train s --oversample", "netrun train has no flag --oversample\nnote: it is a flag of netrun classify"],
    ["test -model a", "netrun test needs --weights"],
    ["inspect", "netrun inspect: <file> is missing"],
    ["inpsect a", 'there is no command "inpsect"\nnote: did you mean netrun inspect?'],
    [
      "package.json",
      'there is no command "package.json"\nnote: a file is given to a command: netrun inspect package.json',
    ],
    ["", "which command?"],
    ["classify x.png -model n -weights w --resize 9,9,9", "--resize 9,9,9: give HEIGHT,WIDTH"],
    ["classify x.png -model n -weights w --resize 8,a", "--resize a: give a whole number of pixels, 1 or more"],
    ["convert n -o x --outputs ,", "--outputs ,: no name is given"],
    ["train n --lr 1", "netrun train has no flag --lr\nnote: did you mean --base-lr?"],
    ["train n --seed 1", "netrun train has no flag --seed\nnote: did you mean --random-seed?"],
    ["TRAIN n", 'there is no command "TRAIN"\nnote: did you mean netrun train?'],
    ["convert_imageset x", `there is no command "convert_imageset"\nnote: Caffe's tool of this name is netrun import`],
  ] as const) {
    it(`netrun ${line}: ${message.split("\n")[0]}`, async () => {
      const { status, stderr } = await cli(...line.split(" ").filter(Boolean));
      expect(stderr.startsWith(message), stderr).to.equal(true);
      expect(status).to.equal(1);
    });
  }

  it("and their ranges are all in the help of their command", async () => {
    for (const command of commands) {
      const { stdout, status } = await cli(command.name, "--help");
      expect(status).to.equal(0);
      for (const [name, { positional }] of Object.entries<OptionSpec>({ ...command.options, ...GLOBAL })) {
        expect(stdout).to.contain(positional ?? `--${flagOf(name)}`);
      }
    }
    expect((await cli("test", "--help")).stdout).to.match(
      /--iterations N +Batches to test \[whole number of batches, 1 or more; default\s+50\]/,
    );
    const { stdout } = await cli("--help");
    const text = stdout.replace(/\s+/g, " ");
    for (const { name, describe } of commands) expect(text).to.contain(`netrun ${name}`).and.contain(describe);
  });
});
