import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

const BIN = join(root, "bin", "netrun.js");
/** Prints processor time in milliseconds at the end, on stderr. */
const REPORT = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();console.error("cpu",(user+system)/1000)})`;

describe("starting netrun", () => {
  const folder = freshFolder();
  const lenet = join(root, "models", "lenet", "deploy.prototxt");

  /** Files that a command line loads, in netrun's lib by path and in packages by the package's name. */
  function loaded(...args: readonly string[]): ReadonlySet<string> {
    const coverage = join(folder(), args.join("-").replaceAll("/", "_"));
    mkdirSync(coverage);
    spawnSync(process.execPath, [BIN, ...args], { env: { ...process.env, NODE_V8_COVERAGE: coverage } });
    const texts = readdirSync(coverage).map((name) => readFileSync(join(coverage, name), "utf8"));
    const urls = texts.flatMap((text) =>
      (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url),
    );
    const lib = pathToFileURL(join(root, "dist", "lib/")).href;
    const names = urls.map((url) => {
      const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
      return name ?? url.replace(lib, "");
    });
    return new Set(names);
  }

  const cpuMs = (args: readonly string[]): number => {
    const { stderr } = spawnSync(process.execPath, ["--import", REPORT, ...args], { encoding: "utf8" });
    return Number(/cpu ([\d.]+)/.exec(stderr)![1]);
  };

  for (const args of [["--help"], ["--version"], ["train", "--help"]]) {
    it(`netrun ${args.join(" ")} loads tables of flags and no package`, () => {
      const names = [...loaded(...args)];
      expect(names).to.include("cli/main.js");
      const ours = names.filter((name) => !name.startsWith("node:") && !name.endsWith("bin/netrun.js"));
      expect(ours.filter((name) => !/^(cli|options)\/|^error\.js$/.test(name))).to.deep.equal([]);
    });
  }

  it("netrun inspect of a net loads no package but protobufjs, and neither data readers nor what runs nets", () => {
    const names = [...loaded("inspect", lenet)];
    expect(names).to.include("net/lower.js");
    // long is a part of protobufjs, and codecs that it makes have no name.
    const packages = names.filter((name) => name !== "" && !/^node:|\.js$/.test(name));
    expect(packages.sort()).to.deep.equal(["long", "protobufjs"]);
    expect(names.filter((name) => /^(data|onnx|run|engine|train|api|convert|targets)\//.test(name))).to.deep.equal([]);
  });

  it("netrun --help takes little more than node itself, and inspect a fraction of all of netrun", () => {
    const bare = cpuMs(["-e", "0"]);
    const all = cpuMs([
      "--input-type=module",
      "-e",
      `await import(${JSON.stringify(join(root, "dist/lib/index.js"))})`,
    ]);
    // In turn 0.04 s, 0.36 s and 0.84 s above node on an idle machine.
    expect(cpuMs([BIN, "--help"]) - bare).to.be.below(0.3 * (all - bare));
    expect(cpuMs([BIN, "inspect", lenet]) - bare).to.be.below(0.65 * (all - bare));
  });

  it("netrun --version is netrun's own from any folder", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    const { stdout } = spawnSync(process.execPath, [BIN, "--version"], { cwd: folder(), encoding: "utf8" });
    expect(stdout).to.equal(`${version}\n`);
  });
});
