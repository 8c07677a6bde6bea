import { expect } from "chai";
import { Net, type NetOptions, type Tensor } from "../../lib/api/net.js";
import { readSafetensors, type Tensors } from "./safetensors.js";
import { goldenPath } from "./shared.js";

/** |a - b| <= 1e-4 + 1e-3 * |b|: what the reference data's own README asks of outputs and gradients. */
function expectClose(what: string, actual: Tensor | undefined, expected: Tensor): void {
  if (!actual) throw new Error(`${what} is missing`);
  expect(actual.shape, `shape of ${what}`).to.deep.equal(expected.shape);
  expected.data.forEach((b, i) => {
    const a = actual.data[i]!;
    if (!(Math.abs(a - b) <= 1e-4 + 1e-3 * Math.abs(b) || Object.is(a, b) || a === b)) {
      throw new Error(`${what}[${i}] is ${a}, Caffe has ${b}`);
    }
  });
}

const folder = (file: string) => goldenPath("layers", file);

function group(golden: Tensors, prefix: string): [name: string, tensor: Tensor][] {
  return [...golden.tensors].flatMap(([key, tensor]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), tensor]] : [],
  );
}

/** Runs a layer's golden net as options say. Throws where outputs or gradients are not Caffe's. */
export async function checkLayer(name: string, options: NetOptions = {}): Promise<void> {
  const golden = readSafetensors(folder(`${name}.safetensors`));
  await using net = await Net.load(folder(`${name}.prototxt`), {
    ...options,
    phase: golden.metadata["phase"] as "TRAIN" | "TEST",
  });
  const blob = (key: string) => {
    const [layer, index] = key.split("/") as [string, string];
    return net.params.get(layer)?.[Number(index)];
  };
  for (const [key, { data }] of group(golden, "param/")) blob(key)!.data.set(data);
  const blobs = await net.forward(Object.fromEntries(group(golden, "in/")));
  for (const [key, expected] of group(golden, "out/")) {
    // The mask of dropout is random; its kept values are checked where Dropout is.
    if (!key.includes("dropout_ratio_mask")) expectClose(`blob ${key}`, blobs[key], expected);
  }
  for (const [key, expected] of group(golden, "param_after_forward/"))
    expectClose(`parameter ${key} after forward`, blob(key), expected);
  const seeds = group(golden, "seed/");
  if (seeds.length === 0) return;
  const gradients = await net.backward(Object.fromEntries(seeds));
  for (const [key, expected] of group(golden, "grad_in/"))
    expectClose(`gradient of input ${key}`, gradients[key], expected);
  for (const [key, expected] of group(golden, "grad_param/")) {
    const actual = blob(key);
    expectClose(`gradient of parameter ${key}`, actual && { shape: actual.shape, data: actual.diff }, expected);
  }
}
