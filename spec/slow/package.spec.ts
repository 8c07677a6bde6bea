import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { installIn, packNetrun, runIn } from "../support/package.js";
import { root } from "../support/shared.js";

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };

describe("the package", () => {
  let folder: string;
  let tarball: string;
  before(function () {
    this.timeout(300_000);
    folder = mkdtempSync(join(tmpdir(), "netrun-package-"));
    tarball = packNetrun(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  it("has what runs, and nothing else", () => {
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" })
      .trimEnd()
      .split("\n")
      .map((file) => file.replace(/^package\//, ""));
    for (const file of [
      ...[
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "bin/netrun.js",
        "dist/lib/index.js",
        "dist/lib/index.d.ts",
      ],
      ...["dist/browser/netrun.js", "dist/lib/browser.d.ts", "proto/caffe.json", "models/lenet/solver.prototxt"],
    ])
      expect(files).to.include(file);
    expect(
      files.filter((file) =>
        /^(spec|bench|fixtures|docs|node_modules)\/|^dist\/(spec|bench)\/|\.tsbuildinfo$/.test(file),
      ),
    ).to.deep.equal([]);
  });

  for (const [what, flags] of [
    ["without install scripts", ["--ignore-scripts"]],
    ["with install scripts", ["--foreground-scripts"]],
  ] as const) {
    it(`is installed in an empty folder ${what}, and works there`, function () {
      this.timeout(300_000);
      const place = join(folder, what.replaceAll(" ", "-"));
      let installed = installIn(place, tarball, ...flags);
      // Its own script fetches CUDA's libraries, which may be out of reach: the docs tell this flag.
      if (installed.status !== 0 && /onnxruntime-node|nuget/.test(installed.stderr + installed.stdout))
        installed = installIn(place, tarball, ...flags, "--onnxruntime-node-install=skip");
      expect(installed.status, installed.stderr).to.equal(0);
      expect(runIn(place, "npx", "netrun", "--version").stdout).to.equal(`${version}\n`);
      const model = join("node_modules", "netrun", "models", "lenet");
      expect(runIn(place, "npx", "netrun", "inspect", join(model, "deploy.prototxt")).stdout).to.include("431,080");
      const trained = runIn(
        place,
        "npx",
        "netrun",
        "train",
        join(model, "solver.prototxt"),
        "--max-iter",
        "2",
        "--quiet",
      );
      expect(trained.stderr).to.equal("");
      expect(existsSync(join(place, "snapshots", "lenet_iter_2.caffemodel"))).to.equal(true);
    });
  }

  it("has types for moduleResolution node16 and bundler, of its own in full", function () {
    this.timeout(60_000);
    const place = join(folder, "without-install-scripts");
    writeFileSync(
      join(place, "consumer.ts"),
      `import { convert, Net, NetrunError, Solver, train, type TrainEvent } from "netrun";
       import { convert as inPage, openModel } from "netrun/browser";
       export async function use(): Promise<readonly string[]> {
         await using net = await Net.load("a.prototxt", { phase: "TEST" });
         const { prob } = await net.forward({ data: { shape: [1], data: new Float32Array(1) } }, { blobs: ["prob"] });
         const values: Float32Array | undefined = prob?.data;
         const { model } = await inPage("", new Uint8Array());
         await openModel(model);
         await convert("a", "b", { opset: 17 });
         await using solver = await Solver.load("s");
         for await (const event of train(solver)) { const e: TrainEvent = event; void e; }
         throw new NetrunError(String(values?.length));
       }
       // @ts-expect-error the phase is a word
       void Net.load("a", { phase: 3 });`,
    );
    const problems = (resolution: string) => {
      const config = {
        compilerOptions: {
          ...{ target: "es2022", lib: ["es2023", "esnext.disposable"], strict: true, noEmit: true, types: [] },
          ...(resolution === "bundler"
            ? { module: "esnext", moduleResolution: "bundler" }
            : { module: "node16", moduleResolution: "node16" }),
        },
        files: ["consumer.ts"],
      };
      writeFileSync(join(place, "tsconfig.json"), JSON.stringify(config));
      const { stdout } = runIn(place, process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
      return stdout.split("\n").filter((line) => /^(consumer|node_modules\/netrun\/)/.test(line));
    };
    writeFileSync(join(place, "package.json"), JSON.stringify({ type: "module" }));
    expect(problems("node16")).to.deep.equal([]);
    expect(problems("bundler")).to.deep.equal([]);
  });

  it("has source maps with their sources", () => {
    const place = join(folder, "without-install-scripts", "node_modules", "netrun", "dist", "lib");
    const map = JSON.parse(readFileSync(join(place, "error.js.map"), "utf8")) as {
      readonly sourcesContent: readonly string[];
    };
    expect(map.sourcesContent[0]).to.equal(readFileSync(join(root, "lib", "error.ts"), "utf8"));
  });
});
