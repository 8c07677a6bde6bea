import { execFile } from "node:child_process";
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { NetrunError } from "../../error.js";
import {
  CUDA_LIBRARIES,
  type CudaLibrary,
  installedLibraries,
  installFolder,
  PROVIDER_FILES,
  systemLibraries,
} from "./libraries.js";

/** Source of onnxruntime's libraries for CUDA: PyPI's wheel of the same version, or NuGet, by onnxruntime-node's own script. */
export type CudaSource = "pip" | "nuget";

export interface InstallOptions {
  readonly from: CudaSource;
  /** The folder of onnxruntime-node's native libraries. */
  readonly native: string;
  /** Called with what is being done, a line each. */
  readonly onLine?: (line: string) => void;
}

/** Files of an installation; netrun keeps it to undo it. */
export interface Installation {
  readonly from: CudaSource;
  /** Version of onnxruntime, which its libraries share. */
  readonly version: string;
  /** Files that were put beside onnxruntime's. */
  readonly files: readonly string[];
  /** Versions of pip's packages, by name. */
  readonly packages: Readonly<Record<string, string>>;
}

/** Pip's packages of CUDA's libraries, with the versions that onnxruntime's is built for. */
const PACKAGES: Readonly<Record<string, string>> = {
  "nvidia-cuda-runtime": "~=13.0",
  "nvidia-nvjitlink": "~=13.0",
  "nvidia-cublas": "~=13.0",
  "nvidia-curand": "~=10.0",
  "nvidia-cufft": "~=12.0",
  "nvidia-cuda-nvrtc": "~=13.0",
  "nvidia-cudnn-cu13": "~=9.0",
};

/** Tags of the wheels, newest glibc first; pip takes them whatever Python and glibc it runs on itself. */
const PLATFORMS = ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"];
/** The oldest Python that there are wheels for: nothing of Python is kept of them. */
const PYTHON = "3.11";

const manifest = (native: string): string => join(installFolder(native), "netrun.json");

/** The installation by netrun beside onnxruntime, if there is one. */
export function cudaInstallation(native: string): Installation | undefined {
  const path = manifest(native);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Installation) : undefined;
}

/** The version of onnxruntime-node whose native libraries are in a folder. */
export function onnxruntimeVersion(native: string): string {
  const { version } = JSON.parse(readFileSync(join(packageOf(native), "package.json"), "utf8")) as { version: string };
  return version;
}

/** The folder of the package whose bin/napi-v6/PLATFORM/ARCH is `native`. */
const packageOf = (native: string): string => join(native, "..", "..", "..", "..");

/**
 * Installs onnxruntime's libraries for CUDA beside onnxruntime-node's own and, from pip, those of CUDA and cuDNN that the system has not.
 * Where anything fails, all is as it was before. Throws NetrunError.
 */
export async function installCuda(options: InstallOptions): Promise<Installation> {
  const { native, from } = options;
  if (!existsSync(join(native, "libonnxruntime.so.1"))) {
    throw new NetrunError("onnxruntime-node has CUDA for Linux on x64 only", { file: native });
  }
  const before = cudaInstallation(native);
  if (before) {
    throw new NetrunError(`CUDA is installed already, from ${before.from}`, {
      notes: ["netrun devices --uninstall cuda takes it away"],
    });
  }
  const foreign = PROVIDER_FILES.filter((file) => existsSync(join(native, file)));
  if (foreign.length > 0) {
    throw new NetrunError(`${foreign.join(" and ")} are there already, and not from netrun`, {
      file: native,
      notes: ["netrun devices lists them; delete them so that netrun can install CUDA"],
    });
  }
  const folder = installFolder(native);
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const files = from === "pip" ? await fromPip(options, folder) : await fromNuget(options);
    const installation = { from, version: onnxruntimeVersion(native), files, packages: packagesIn(folder) };
    checkVersion(installation);
    writeFileSync(manifest(native), `${JSON.stringify(installation, null, 2)}\n`);
    return installation;
  } catch (error) {
    for (const file of providerFiles(native)) rmSync(join(native, file), { force: true });
    rmSync(folder, { recursive: true, force: true });
    throw error instanceof NetrunError ? error : refused(error as NodeJS.ErrnoException, native);
  }
}

/** Takes an installation by netrun away. Throws NetrunError where there is none. */
export function uninstallCuda(native: string): Installation {
  const installation = cudaInstallation(native);
  if (!installation) {
    const foreign = PROVIDER_FILES.filter((file) => existsSync(join(native, file)));
    throw new NetrunError("netrun has not installed CUDA here", {
      file: native,
      notes: foreign.length > 0 ? [`${foreign.join(" and ")} come from elsewhere`] : [],
    });
  }
  try {
    for (const file of installation.files) rmSync(join(native, file), { force: true });
    rmSync(installFolder(native), { recursive: true, force: true });
  } catch (error) {
    throw refused(error as NodeJS.ErrnoException, native);
  }
  return installation;
}

const refused = (cause: NodeJS.ErrnoException, native: string): NetrunError =>
  new NetrunError(`cannot write beside onnxruntime: ${cause.message}`, {
    file: native,
    notes: ["run it as the one who installed the package"],
    cause,
  });

/** onnxruntime's libraries for CUDA that are there: NuGet has one more than is needed. */
const providerFiles = (native: string): readonly string[] =>
  readdirSync(native).filter((file) => /^libonnxruntime_providers_\w+\.so$/.test(file));

async function fromPip({ native, onLine = () => {} }: InstallOptions, folder: string): Promise<readonly string[]> {
  const version = onnxruntimeVersion(native);
  const system = systemLibraries();
  const missing = (Object.keys(CUDA_LIBRARIES) as CudaLibrary[]).filter((name) => !system.has(name));
  const wanted = [...new Set(missing.map((name) => CUDA_LIBRARIES[name]))].map((name) => name + PACKAGES[name]!);
  onLine(`onnxruntime-gpu ${version} from PyPI: 250 MB`);
  await pip(["install", "--target", folder, `onnxruntime-gpu==${version}`]);
  if (wanted.length > 0) onLine(`CUDA 13 and cuDNN 9 from PyPI, up to 2.1 GB: ${wanted.join(", ")}`);
  if (wanted.length > 0) await pip(["install", "--target", folder, ...wanted]);
  const capi = join(folder, "onnxruntime", "capi");
  for (const file of PROVIDER_FILES) {
    if (!existsSync(join(capi, file)))
      throw new NetrunError(`the wheel onnxruntime-gpu ${version} has no ${file}`, { notes: ["try --from nuget"] });
    linkOrCopy(join(capi, file), join(native, file));
  }
  // Of the wheel nothing else is for Node.
  rmSync(join(folder, "onnxruntime"), { recursive: true, force: true });
  const own = installedLibraries(native);
  const absent = missing.filter((name) => !own.has(name));
  if (absent.length > 0) throw new NetrunError(`pip's packages have no ${absent.join(", ")}`);
  return PROVIDER_FILES;
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

/** Runs pip for wheels alone. Throws NetrunError with pip's last words. */
async function pip(args: readonly string[]): Promise<void> {
  const python = process.env["PYTHON"] ?? "python3";
  const [command = "", ...rest] = args;
  const platforms = PLATFORMS.flatMap((platform) => ["--platform", platform]);
  const choice = ["--no-deps", "--only-binary=:all:", "--python-version", PYTHON, ...platforms];
  const whole = [
    "-m",
    "pip",
    command,
    "--disable-pip-version-check",
    "--quiet",
    "--no-warn-conflicts",
    ...choice,
    ...rest,
  ];
  await run(python, whole, (said) => [
    ...(/No module named pip|ENOENT/.test(said)
      ? ["pip is needed: sudo apt-get install python3-pip; PYTHON=/path/to/python names another Python"]
      : []),
    "or from NuGet: netrun devices --install cuda --from nuget",
  ]);
}

/** onnxruntime-node's own script; its name for the CUDA that it is built for stayed cuda12. */
async function fromNuget({ native, onLine = () => {} }: InstallOptions): Promise<readonly string[]> {
  onLine("onnxruntime's libraries for CUDA from NuGet, by onnxruntime-node's install script: 300 MB");
  const root = packageOf(native);
  await run(
    process.execPath,
    [join(root, "script", "install.js"), "--onnxruntime-node-install=cuda12"],
    () => ["or from PyPI: netrun devices --install cuda --from pip"],
    root,
  );
  const missing = PROVIDER_FILES.filter((file) => !existsSync(join(native, file)));
  if (missing.length > 0) throw new NetrunError(`the script has left no ${missing.join(", ")}`, { file: native });
  return providerFiles(native);
}

/** The longest that a download may take. */
const TIMEOUT_MS = 3_600_000;

function run(
  command: string,
  args: readonly string[],
  notes: (said: string) => readonly string[],
  cwd: string = dirname(args[0]!),
): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: 2 ** 26, ...(command === process.execPath && { cwd }) };
    execFile(command, args, options, (error, stdout, stderr) => {
      if (!error) return resolve();
      const said = `${stderr}\n${stdout}`.trim() || error.message;
      const lines = said.split("\n").filter((line) => line.trim() !== "");
      const errors = lines.filter((line) => /^\s*\w*error\b/i.test(line));
      const last = errors.length > 0 ? errors : lines.slice(-4);
      reject(
        new NetrunError(`the download failed: ${last.join(" | ").slice(0, 500)}`, { notes: notes(said), cause: error }),
      );
    });
  });
}

/** Packages that pip put into a folder, with their versions. */
function packagesIn(folder: string): Readonly<Record<string, string>> {
  const infos = readdirSync(folder).flatMap((name) => {
    const [, what, version] = /^(.+)-([^-]+)\.dist-info$/.exec(name) ?? [];
    return what === undefined ? [] : [[what.replaceAll("_", "-"), version!] as const];
  });
  return Object.fromEntries(infos);
}

/** Throws NetrunError where the wheel is of another version than onnxruntime: the two share no stable interface. */
function checkVersion({ version, packages }: Installation): void {
  const given = packages["onnxruntime-gpu"];
  if (given === undefined || given === version) return;
  throw new NetrunError(`onnxruntime-gpu ${given} does not match onnxruntime-node ${version}`);
}
