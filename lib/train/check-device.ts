import { Net, type Tensors } from "../api/net.js";
import { count } from "../graph/index.js";
import type { Device } from "../onnx/device.js";
import { random } from "../random.js";
import { Solver } from "./solver.js";

/** A comparison of a device with the CPU. */
export interface DeviceCheck {
  readonly name: "convolution" | "pooling ties" | "training step";
  readonly passed: boolean;
  /** The greatest difference from the CPU's numbers, |a - b| / (1 + |b|); absent where nothing came of it. */
  readonly difference?: number;
  /** The greatest that is accepted. */
  readonly most: number;
  /** Reason why nothing came of it. */
  readonly error?: string;
}

/** Sums in other orders differ in last digits; what is computed wrongly differs by far more. */
const ROUNDING = 1e-3;

/** Channels, outputs, kernel, stride and pad: among them such as a provider has been seen to get wrong in another layout. */
const CONVOLUTIONS: readonly (readonly [number, number, number, number, number])[] = [
  [1, 4, 5, 1, 0],
  [3, 8, 3, 1, 1],
  [6, 8, 3, 1, 1],
  [9, 8, 5, 2, 2],
  [15, 8, 3, 1, 0],
  [16, 6, 1, 1, 0],
  [8, 12, 3, 2, 1],
];
const POOLINGS: readonly (readonly [kernel: number, stride: number, pad: number])[] = [
  [2, 2, 0],
  [3, 2, 0],
  [3, 1, 1],
];
/** A batch of 6 is channels of a weight gradient that is computed as a convolution. */
const BATCH = 6;

const inputLayer = (name: string, dims: readonly number[]): string =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims.map((dim) => `dim: ${dim}`).join(" ")} } } }`;

const CONVOLUTION_NET = CONVOLUTIONS.map(
  ([channels, outputs, kernel, stride, pad], i) => `${inputLayer(`x${i}`, [BATCH, channels, 9, 11])}
    layer { name: "y${i}" type: "Convolution" bottom: "x${i}" top: "y${i}" convolution_param { num_output: ${outputs} kernel_size: ${kernel}
      stride: ${stride} pad: ${pad} weight_filler { type: "gaussian" std: 0.3 } bias_filler { type: "constant" value: 0.1 } } }`,
).join("\n");

const POOLING_NET = POOLINGS.map(
  ([kernel, stride, pad], i) => `${inputLayer(`x${i}`, [2, 3, 8, 7])}
    layer { name: "y${i}" type: "Pooling" bottom: "x${i}" top: "y${i}" pooling_param { pool: MAX kernel_size: ${kernel} stride: ${stride} pad: ${pad} } }`,
).join("\n");

/** Iterations of the training that is compared. */
const ITERATIONS = 5;

const SOLVER = `base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.001 random_seed: 1 net_param {
  layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.00390625 }
    data_param { source: "netrun:digits/train" batch_size: 8 } }
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 5 stride: 2 weight_filler { type: "xavier" } } }
  layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
  layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
  layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" } }`;

/** Runs convolutions, poolings with equal maxima and some iterations of training on a device, and compares them with the CPU. */
export async function checkDevice(device: Device): Promise<readonly DeviceCheck[]> {
  return [
    await compared("convolution", ROUNDING, device, (where) => passes(CONVOLUTION_NET, where, (value) => value - 0.5)),
    // Whole numbers: equal maxima are frequent, and sums of gradients exact.
    await compared("pooling ties", 0, device, (where) => passes(POOLING_NET, where, (value) => Math.floor(value * 4))),
    await compared("training step", ROUNDING, device, losses),
  ];
}

type Numbers = readonly (readonly number[])[];

async function compared(
  name: DeviceCheck["name"],
  most: number,
  device: Device,
  compute: (device: Device) => Promise<Numbers>,
): Promise<DeviceCheck> {
  const expected = await compute({ provider: "cpu" });
  try {
    const given = await compute(device);
    const difference = Math.max(...expected.map((values, i) => differenceOf(given[i]!, values)));
    return { name, passed: difference <= most, difference, most };
  } catch (error) {
    return { name, passed: false, most, error: (error as Error).message };
  }
}

function differenceOf(given: readonly number[], expected: readonly number[]): number {
  if (given.length !== expected.length) return Number.POSITIVE_INFINITY;
  return expected.reduce((most, value, i) => {
    const difference = Math.abs(given[i]! - value) / (1 + Math.abs(value));
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }, 0);
}

/** Outputs of a net's forward and the gradients of its backward, on random numbers in [0, 1) as `shaped` makes them. */
async function passes(text: string, device: Device, shaped: (value: number) => number): Promise<Numbers> {
  await using net = await Net.load(text, { ...device, phase: "TRAIN", seed: 1 });
  const drawn = (names: readonly string[], key: number): Tensors =>
    Object.fromEntries(
      names.map((name, i) => {
        const shape = net.shapes.get(name)!;
        const data = new Float32Array(count(shape));
        random(1, key, i).fill(data);
        return [name, { shape, data: data.map(shaped) }];
      }),
    );
  const blobs = await net.forward(drawn(net.inputs, 1));
  const gradients = await net.backward(drawn(net.outputs, 2));
  return [
    ...net.outputs.map((name) => [...blobs[name]!.data]),
    ...net.inputs.map((name) => [...gradients[name]!.data]),
    ...[...net.params.values()].flat().map(({ diff }) => [...diff]),
  ];
}

async function losses(device: Device): Promise<Numbers> {
  await using solver = await Solver.load(SOLVER, { name: "check", ...device });
  return [await solver.step(ITERATIONS)];
}
