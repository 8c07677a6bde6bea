import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { cudaInstallation, installCuda, onnxruntimeVersion, uninstallCuda } from "../../lib/onnx/cuda/install.js";
import { CUDA_LIBRARIES, PROVIDER_FILES } from "../../lib/onnx/cuda/libraries.js";
import { buildStub, whyNoStub } from "../cuda-stub/build.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

const python = process.env["PYTHON"] ?? "python3";

/** Paths of CUDA's libraries in their packages. */
const folderOf = (library: string): string => `nvidia/${library.startsWith("libcudnn") ? "cudnn" : "cu13"}/lib`;

/** Writes a wheel: a zip of files with their texts and what pip reads of a package. */
const WHEEL = `
import base64, hashlib, json, sys, zipfile
name, version, folder, files = json.load(sys.stdin)
tag = "py3-none-manylinux_2_27_x86_64"
stem = f"{name.replace('-', '_')}-{version}"
files[f"{stem}.dist-info/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
files[f"{stem}.dist-info/WHEEL"] = f"Wheel-Version: 1.0\\nGenerator: spec\\nRoot-Is-Purelib: false\\nTag: {tag}\\n"
files[f"{stem}.dist-info/RECORD"] = "".join(f"{path},,\\n" for path in [*files, f"{stem}.dist-info/RECORD"])
with zipfile.ZipFile(f"{folder}/{stem}-{tag}.whl", "w") as wheel:
    for path, text in files.items(): wheel.writestr(path, text)
`;

describe("netrun devices --install cuda", () => {
  const folder = freshFolder();

  before(function () {
    const why =
      process.platform !== "linux" || process.arch !== "x64"
        ? "onnxruntime's libraries for CUDA are for Linux on x64"
        : spawnSync(python, ["-m", "pip", "--version"]).status !== 0 && `${python} has no pip`;
    if (!why) return;
    console.log(`      skipped: ${why}`);
    this.skip();
  });

  beforeEach(() => {
    for (const name of ["wheels", "app"]) mkdirSync(join(folder(), name));
    // pip takes the wheels of the folder, and asks no index.
    process.env["PIP_NO_INDEX"] = "1";
    process.env["PIP_FIND_LINKS"] = join(folder(), "wheels");
  });
  afterEach(() => {
    delete process.env["PIP_NO_INDEX"];
    delete process.env["PIP_FIND_LINKS"];
  });

  /** A copy of onnxruntime-node, in place of the one that everything uses; its native folder. */
  function copy(): string {
    const own = join(folder(), "app", "node_modules", "onnxruntime-node");
    cpSync(join(root, "node_modules", "onnxruntime-node"), own, { recursive: true, dereference: true });
    const native = join(own, "bin", "napi-v6", "linux", "x64");
    for (const file of PROVIDER_FILES) rmSync(join(native, file), { force: true });
    return native;
  }

  const wheel = (name: string, version: string, files: Readonly<Record<string, string>>) =>
    execFileSync(python, ["-c", WHEEL], { input: JSON.stringify([name, version, join(folder(), "wheels"), files]) });

  /** Wheels of everything; some libraries of CUDA may be left out of theirs. */
  function wheels(version: string, without: readonly string[] = []): void {
    const capi = PROVIDER_FILES.map((file) => [`onnxruntime/capi/${file}`, `the provider ${version}`]);
    wheel("onnxruntime-gpu", version, { ...Object.fromEntries(capi), "onnxruntime/__init__.py": "" });
    const libraries = Object.entries(CUDA_LIBRARIES);
    for (const name of new Set(Object.values(CUDA_LIBRARIES))) {
      const own = libraries.filter(([library, of]) => of === name && !without.includes(library));
      const major = { "nvidia-curand": 10, "nvidia-cufft": 12, "nvidia-cudnn-cu13": 9 }[name as string] ?? 13;
      wheel(
        name,
        `${major}.7.1`,
        Object.fromEntries(own.map(([library]) => [`${folderOf(library)}/${library}`, "no library"])),
      );
    }
  }

  it("puts the provider beside onnxruntime and CUDA's libraries under it, keeps what it did, and undoes it", async () => {
    const native = copy();
    const before = readdirSync(native);
    const version = onnxruntimeVersion(native);
    wheels(version);
    const said: string[] = [];
    const installation = await installCuda({ from: "pip", native, onLine: (line) => said.push(line) });
    expect(said[0]).to.equal(`onnxruntime-gpu ${version} from PyPI: 250 MB`);
    expect(installation).to.deep.include({ from: "pip", version, files: PROVIDER_FILES });
    expect(installation.packages).to.deep.include({ "onnxruntime-gpu": version, "nvidia-cudnn-cu13": "9.7.1" });
    expect(cudaInstallation(native)).to.deep.equal(installation);
    for (const file of PROVIDER_FILES) expect(existsSync(join(native, file)), file).to.equal(true);
    for (const library of Object.keys(CUDA_LIBRARIES))
      expect(existsSync(join(native, "netrun-cuda", folderOf(library), library)), library).to.equal(true);
    expect(existsSync(join(native, "netrun-cuda", "onnxruntime"))).to.equal(false);
    await failure(installCuda({ from: "pip", native }), "CUDA is installed already, from pip");
    expect(uninstallCuda(native)).to.deep.equal(installation);
    expect(readdirSync(native)).to.deep.equal(before);
  });

  for (const [what, prepare, message] of [
    ["there is no wheel of onnxruntime's version", () => wheels("1.0.0"), "the download failed: "],
    [
      "a library is missing",
      (version: string) => wheels(version, ["libcudnn.so.9"]),
      "pip's packages have no libcudnn.so.9",
    ],
  ] as const) {
    it(`leaves all as it was where ${what}`, async () => {
      const native = copy();
      const before = readdirSync(native);
      prepare(onnxruntimeVersion(native));
      await failure(installCuda({ from: "pip", native }), message);
      expect(readdirSync(native)).to.deep.equal(before);
    });
  }

  it("does not change libraries that are not netrun's", async () => {
    const native = copy();
    writeFileSync(join(native, PROVIDER_FILES[1]), "somebody's");
    await failure(installCuda({ from: "pip", native }), "are there already, and not from netrun".slice(4));
    expect(() => uninstallCuda(native)).to.throw("netrun has not installed CUDA here");
    expect(existsSync(join(native, PROVIDER_FILES[1]))).to.equal(true);
  });

  it("has what it installs loaded before onnxruntime asks for it, by every thread that trains", function () {
    const missing = whyNoStub();
    if (missing !== undefined) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    using app = buildStub({ installed: true });
    for (const devices of [[0], [0, 1]]) {
      const { stdout, calls } = app.run("train.js", { devices, rounds: [2] });
      expect(JSON.parse(stdout)).to.have.length(1);
      expect(
        calls.some((call) => /cublas/i.test(call)),
        "a call of cuBLAS",
      ).to.equal(true);
    }
  });

  it("from NuGet is onnxruntime-node's own script; where that fails, all is as it was", async () => {
    const native = copy();
    const before = readdirSync(native);
    const modules = join(folder(), "app", "node_modules");
    for (const each of readdirSync(join(root, "node_modules")))
      if (each !== "onnxruntime-node") symlinkSync(join(root, "node_modules", each), join(modules, each));
    const script = join(native, "..", "..", "..", "..", "script", "install.js");
    const write = (text: string) => writeFileSync(script, text);
    write(`if (!process.argv.includes("--onnxruntime-node-install=cuda12")) process.exit(3);
      for (const name of ["cuda", "shared", "tensorrt"]) require("fs").writeFileSync(${JSON.stringify(native)} + "/libonnxruntime_providers_" + name + ".so", "");`);
    const installation = await installCuda({ from: "nuget", native });
    expect(installation.files).to.have.length(3);
    uninstallCuda(native);
    expect(readdirSync(native)).to.deep.equal(before);
    write(
      `require("fs").writeFileSync(${JSON.stringify(native)} + "/libonnxruntime_providers_cuda.so", ""); throw new Error("no way there");`,
    );
    await failure(installCuda({ from: "nuget", native }), "no way there");
    expect(readdirSync(native)).to.deep.equal(before);
  });
});
