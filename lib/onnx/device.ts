/** Execution provider of models. CPU is the default; the others need a GPU and what onnxruntime loads for it. */
export type Provider = "cpu" | "cuda" | "webgpu";

/** Providers as people write them. */
export const PROVIDER_NAMES = { cpu: "CPU", cuda: "CUDA", webgpu: "WebGPU" } as const satisfies Record<
  Provider,
  string
>;

/** The devices of a session, in full. */
export interface Device {
  readonly provider: Provider;
  /** GPUs by number: replicas of a training share them, everything else runs on the first. Absent on the CPU. */
  readonly devices?: readonly number[] | undefined;
  /** True if matrix products and convolutions on CUDA may round their inputs to TF32. Default false. */
  readonly tf32?: boolean | undefined;
}

/** A device in words: "CPU", "WebGPU, GPU 0", "CUDA, GPUs 0, 1, without TF32". */
export function deviceName({ provider, devices, tf32 = false }: Device): string {
  const gpus = devices === undefined ? "" : `, GPU${devices.length > 1 ? "s" : ""} ${devices.join(", ")}`;
  const rounding = provider === "cuda" ? `, with${tf32 ? "" : "out"} TF32` : "";
  return `${PROVIDER_NAMES[provider]}${gpus}${rounding}`;
}

/** Replicas that devices ask for where nobody says how many: one each, undefined for one device. */
export const replicasOn = ({ devices = [] }: Partial<Device>): number | undefined =>
  devices.length > 1 ? devices.length : undefined;

/** The same options for one of the replicas that share the devices, by its index: it has one GPU. */
export function onDeviceOf<T extends Partial<Device>>(session: T, replica: number): T {
  const { devices } = session;
  if (devices === undefined || devices.length < 2) return session;
  return { ...session, devices: [devices[replica % devices.length]!] };
}
