import { availableParallelism, cpus, totalmem } from "node:os";
import { NetrunError } from "../error.js";
import { chooseSession } from "../onnx/choose-session.js";
import { installCuda, uninstallCuda } from "../onnx/cuda/install.js";
import { type Device, deviceName } from "../onnx/device.js";
import { type DeviceReport, type Library, listProviders, type ProviderReport } from "../onnx/devices.js";
import { nativeFolder } from "../onnx/native-folder.js";
import { checkDevice, type DeviceCheck } from "../train/check-device.js";
import type { CommandArgs } from "./commands/command.js";
import type { DEVICES } from "./commands/inference.js";
import { report } from "./common.js";

type DevicesArgs = CommandArgs<typeof DEVICES>;

/** Lists what nets can run on here, compares it with the CPU, or installs what is missing for CUDA. */
export async function run(args: DevicesArgs): Promise<void> {
  refuseMixed(args);
  if (args.install !== undefined) return install(args);
  if (args.uninstall !== undefined) {
    const { from, version } = uninstallCuda(nativeFolder());
    return report(args, { uninstalled: "cuda", from, version }, () => [`CUDA from ${from} is taken away`]);
  }
  const listed = { ...machine(), ...(await listProviders()) };
  if (!args.check) return report(args, listed, () => reportLines(listed));
  const checks = await checkAll(args, listed);
  report(args, { ...listed, checks }, () => checks.flatMap(checkLines));
  const failed = checks.flatMap(({ device, results }) => results.filter(({ passed }) => !passed).map(() => device));
  if (failed.length > 0)
    throw new NetrunError(`not the CPU's numbers: ${[...new Set(failed.map(deviceName))].join(", ")}`);
}

function refuseMixed({ check, install, uninstall, from, gpu }: DevicesArgs): void {
  const asked = [check, install !== undefined, uninstall !== undefined].filter(Boolean).length;
  if (asked > 1) throw new NetrunError("give one of --check, --install and --uninstall");
  if (from !== undefined && install === undefined) throw new NetrunError("--from has no effect: it is for --install");
  if (gpu !== undefined && (install ?? uninstall) !== undefined)
    throw new NetrunError("-gpu has no effect: it is for --check");
}

/** The processor and the memory. */
function machine() {
  const [cpu] = cpus();
  return { cpu: cpu?.model.trim() ?? "unknown", threads: availableParallelism(), memoryBytes: totalmem() };
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** A line for the processor, one a provider, and under those what they have and miss. */
export function reportLines(listed: DeviceReport & ReturnType<typeof machine>): readonly string[] {
  return [
    `${"cpu".padEnd(WIDTH)}${listed.cpu}, ${listed.threads} threads`,
    `${"memory".padEnd(WIDTH)}${gibibytes(listed.memoryBytes)}`,
    `${"library".padEnd(WIDTH)}onnxruntime ${listed.onnxruntime}`,
    ...listed.providers.flatMap(providerLines),
  ];
}

const WIDTH = 10;
const INDENT = " ".repeat(WIDTH);

function providerLines(each: ProviderReport): readonly string[] {
  const { provider, works, isSoftware, missing, remedies = [], gpus = [], driver, libraries = [] } = each;
  const state = works
    ? `works${isSoftware ? ", on the CPU: its Vulkan driver is software" : ""}`
    : `not here: ${missing}`;
  const absent = libraries.filter(({ path }) => path === undefined);
  return [
    `${provider.padEnd(WIDTH)}${state}`,
    ...gpus.map(({ device, name, memoryBytes }) => {
      const memory = memoryBytes === undefined ? "" : `, ${gibibytes(memoryBytes)}`;
      return `${INDENT}GPU ${device}: ${name}${memory}`;
    }),
    ...(driver === undefined ? [] : [`${INDENT}driver ${driver}`]),
    ...libraries.filter(({ path }) => path !== undefined).map((library) => `${INDENT}${libraryText(library)}`),
    ...(absent.length === 0 ? [] : [`${INDENT}missing: ${absent.map(({ name }) => name).join(", ")}`]),
    ...remedies.map((remedy) => `${INDENT}${remedy}`),
  ];
}

const libraryText = ({ name, version, path }: Library): string =>
  `${name}${version === undefined ? "" : ` ${version}`} (${path})`;

interface Checked {
  readonly device: Device;
  readonly results: readonly DeviceCheck[];
}

/** Checks every provider that works, on the GPUs that are asked for. */
async function checkAll({ gpu }: DevicesArgs, { providers }: DeviceReport): Promise<readonly Checked[]> {
  const works = providers.filter(({ provider, works }) => works && provider !== "cpu").map(({ provider }) => provider);
  if (works.length === 0) {
    throw new NetrunError("there is no provider to check except the CPU", {
      notes: ["netrun devices lists what is missing for CUDA and WebGPU"],
    });
  }
  const checks: Checked[] = [];
  for (const provider of works) {
    const { devices = [0] } = await chooseSession({ provider, devices: gpu ?? [0] });
    for (const number of devices) {
      const device = { provider, devices: [number] };
      checks.push({ device, results: await checkDevice(device) });
    }
  }
  return checks;
}

function checkLines({ device, results }: Checked): readonly string[] {
  return results.map(({ name, passed, difference, error }) => {
    const seen =
      difference === undefined
        ? `does not run: ${error}`
        : difference === 0
          ? "the CPU's numbers"
          : `${passed ? "within" : "WRONG: off by"} ${difference.toPrecision(2)} of the CPU`;
    return `${deviceName(device)}: ${name}: ${seen}`;
  });
}

async function install(args: DevicesArgs): Promise<void> {
  const onLine = (line: string) => {
    if (!args.quiet && !args.json) console.log(line);
  };
  const native = nativeFolder();
  const installation = await installCuda({ from: args.from ?? "pip", native, onLine });
  const {
    works,
    missing,
    libraries = [],
  } = (await listProviders()).providers.find(({ provider }) => provider === "cuda")!;
  const absent = libraries.filter(({ path }) => path === undefined).map(({ name }) => name);
  report(args, { installed: "cuda", ...installation, works, missing: absent }, () => [
    `onnxruntime ${installation.version}'s libraries for CUDA are installed from ${installation.from}`,
    ...Object.entries(installation.packages).map(([name, version]) => `  ${name} ${version}`),
    ...(absent.length === 0 ? [] : [`still missing: ${absent.join(", ")} (CUDA 13 and cuDNN 9)`]),
    works ? "CUDA works: netrun devices --check compares it with the CPU" : `CUDA does not start yet: ${missing}`,
    "netrun devices --uninstall cuda undoes it",
  ]);
}
