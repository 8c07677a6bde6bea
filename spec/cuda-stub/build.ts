import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../support/shared.js";

/** Version of onnxruntime, which its provider for CUDA has to share. */
const { version } = JSON.parse(readFileSync(join(root, "node_modules/onnxruntime-node/package.json"), "utf8")) as {
  version: string;
};

/** The folder of the real provider: what spec/cuda-stub/fetch.sh fills. */
const PROVIDER =
  process.env["NETRUN_CUDA_PROVIDER"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "netrun", `onnxruntime-gpu-${version}`);

const FILES = ["libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"];
const SOURCES = join(root, "spec", "cuda-stub");

/** The stand-ins by the names under which the provider looks for CUDA's libraries, each of its source. */
const LIBRARIES = {
  "libcudart.so.13": { source: "cudart.c", isVersioned: true, needs: [] },
  "libcublas.so.13": { source: "cublas.c", isVersioned: true, needs: ["libcudart.so.13"] },
  "libcublasLt.so.13": { source: "cublaslt.c", isVersioned: true, needs: ["libcudart.so.13"] },
  "libcurand.so.10": { source: "others.c", isVersioned: true, needs: ["libcudart.so.13"] },
  "libcuda.so.1": { source: "others.c", isVersioned: false, needs: ["libcudart.so.13"] },
  "libcufft.so.12": { source: "others.c", isVersioned: false, needs: ["libcudart.so.13"] },
  "libcudnn.so.9": { source: "cudnn.c", isVersioned: false, needs: ["libcudart.so.13"] },
} as const;

/** Reason why there is no stand-in for CUDA here; undefined where there is. */
export function whyNoStub(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the provider for CUDA is built for Linux on x64";
  if (spawnSync("gcc", ["--version"]).status !== 0) return "gcc builds the stand-in for CUDA, and is not here";
  const missing = FILES.find((file) => !existsSync(join(PROVIDER, file)));
  return missing && `${join(PROVIDER, missing)} is missing: spec/cuda-stub/fetch.sh fetches it from PyPI`;
}

/** A copy of the build that has the real provider beside onnxruntime, and stand-ins for the libraries that it loads. */
export interface StubApp extends Disposable {
  /** Runs a script of the build; what it wrote to stderr, and the calls that the stand-ins logged, line by line. */
  run(
    script: string,
    input: unknown,
  ): { readonly stdout: string; readonly stderr: string; readonly calls: readonly string[] };
}

/**
 * Builds the stand-ins and the copy in a temporary folder. `installed` has the stand-ins lie where netrun installs CUDA's libraries, and the driver's
 * alone where the system looks.
 */
export function buildStub({ installed = false } = {}): StubApp {
  const folder = mkdtempSync(join(tmpdir(), "netrun-cuda-"));
  const libraries = join(folder, "cuda");
  mkdirSync(libraries);
  for (const [name, { source, isVersioned, needs }] of Object.entries(LIBRARIES)) {
    const map = join(libraries, `${name}.map`);
    writeFileSync(map, `${name} { global: *; };\n`);
    const args = [
      "-O1",
      "-w",
      "-shared",
      "-fPIC",
      "-o",
      join(libraries, name),
      join(SOURCES, source),
      `-Wl,-soname,${name}`,
    ];
    if (isVersioned) args.push(`-Wl,--version-script,${map}`);
    execFileSync("gcc", [...args, `-L${libraries}`, ...needs.map((need) => `-l:${need}`), "-ldl", "-lpthread"]);
  }
  // Libraries that are looked for without their versions.
  symlinkSync("libcudnn.so.9", join(libraries, "libcudnn.so"));
  symlinkSync("libcufft.so.12", join(libraries, "libcufft.so.11"));
  const app = join(folder, "app");
  for (const part of ["package.json", "proto", "models", "dist/lib", "dist/spec/cuda-stub", "dist/spec/support"])
    cpSync(join(root, part), join(app, part), { recursive: true });
  const modules = join(app, "node_modules");
  mkdirSync(modules);
  for (const each of readdirSync(join(root, "node_modules")))
    if (each !== "onnxruntime-node") symlinkSync(join(root, "node_modules", each), join(modules, each));
  const own = join(modules, "onnxruntime-node");
  cpSync(join(root, "node_modules", "onnxruntime-node"), own, { recursive: true, dereference: true });
  const native = join(own, "bin", "napi-v6", "linux", "x64");
  for (const file of FILES) {
    const place = join(native, file);
    rmSync(place, { force: true });
    symlinkSync(join(PROVIDER, file), place);
  }
  const driver = join(folder, "driver");
  if (installed) {
    mkdirSync(driver);
    for (const name of Object.keys(LIBRARIES)) {
      const isCudnn = name.startsWith("libcudnn");
      const place = join(native, "netrun-cuda", "nvidia", isCudnn ? "cudnn" : "cu13", "lib");
      const to = name === "libcuda.so.1" ? driver : place;
      mkdirSync(to, { recursive: true });
      renameSync(join(libraries, name), join(to, name));
    }
  }
  return {
    run(script, input) {
      const log = join(folder, "calls");
      writeFileSync(log, "");
      const task = join(folder, "task.json");
      writeFileSync(task, JSON.stringify(input));
      const { stdout, stderr, status, signal } = spawnSync(
        process.execPath,
        [join(app, "dist/spec/cuda-stub", script), task],
        {
          env: {
            ...process.env,
            LD_LIBRARY_PATH: installed ? driver : libraries,
            NETRUN_CUDA_LOG: log,
            NETRUN_CUDA_DEVICES: "2",
          },
          encoding: "utf8",
          maxBuffer: 2 ** 30,
        },
      );
      if (status !== 0) throw new Error(`${script} ended with ${signal ?? status}: ${stderr.slice(-2000)}`);
      return { stdout, stderr, calls: readFileSync(log, "utf8").split("\n") };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
