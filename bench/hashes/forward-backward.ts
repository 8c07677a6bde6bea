import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Net, NetOptions, Tensors } from "../../lib/index.js";
import { hashedInput, hashWeights } from "../../spec/support/hashed.js";
import { readSafetensors } from "../../spec/support/safetensors.js";
import { hasShared, root, sharedPath } from "../../spec/support/shared.js";
import type { Case, Results } from "./cases.js";

/** Every blob after a forward, then every gradient after a backward, and the parameters. */
async function* passes(net: Net, inputs: Tensors, seeds: Tensors): Results {
  const blobs = await net.forward(inputs);
  for (const [name, { data }] of Object.entries(blobs)) yield [`blob ${name}`, data];
  const gradients = await net.backward(seeds);
  for (const [name, { data }] of Object.entries(gradients)) yield [`gradient of blob ${name}`, data];
  for (const [layer, list] of net.params) {
    for (const [i, { data, diff }] of list.entries()) {
      yield [`parameter ${layer}/${i}`, data];
      yield [`gradient of ${layer}/${i}`, diff];
    }
  }
}

/** Nets of one layer each: the reference data's, with its inputs and weights. */
export function layerCases(): readonly Case[] {
  if (!hasShared()) return [];
  const folder = sharedPath("goldens", "layers");
  return readdirSync(folder)
    .filter((file) => file.endsWith(".prototxt"))
    .map((file) => {
      const name = file.slice(0, -".prototxt".length);
      const run = async function* ({ Net }: Parameters<Case["run"]>[0]): Results {
        const { metadata, tensors } = readSafetensors(join(folder, `${name}.safetensors`));
        const group = (prefix: string): Tensors =>
          Object.fromEntries(
            [...tensors].flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [])),
          );
        await using net = await Net.load(join(folder, file), { phase: metadata["phase"] as "TRAIN", threads: 1 });
        for (const [key, { data }] of Object.entries(group("param/"))) {
          const [layer, index] = key.split("/") as [string, string];
          net.params.get(layer)?.[Number(index)]?.data.set(data);
        }
        yield* passes(net, group("in/"), group("seed/"));
      };
      return { name: `layers/${name}`, run };
    });
}

/** Labels of a batch: in range for every net here. */
const labels = (shape: readonly number[]) => ({
  shape,
  data: Float32Array.from({ length: shape[0]! }, (_, i) => (7 * i) % 10),
});

/** A net in TRAIN with hashed weights, on hashed inputs of the given shapes. */
function netCase(name: string, path: string, shapes: Readonly<Record<string, readonly number[]>>): Case {
  return {
    name: `nets/${name}`,
    async *run({ Net }) {
      const options: NetOptions = { phase: "TRAIN", shapes, threads: 1 };
      await using net = await Net.load(path, options);
      hashWeights(net);
      const inputs = Object.entries(shapes).map(([blob, shape]) => [
        blob,
        blob === "label" ? labels(shape) : hashedInput(blob, shape),
      ]);
      yield* passes(net, Object.fromEntries(inputs), {});
    },
  };
}

/** Whole nets: the models that come with netrun, and published ones. */
export function netCases(): readonly Case[] {
  const model = (name: string) => join(root, "models", name, "train_test.prototxt");
  const images = (n: number, c: number, side: number) => ({ data: [n, c, side, side], label: [n] });
  const own = [
    netCase("lenet", model("lenet"), images(4, 1, 28)),
    netCase("cifar10", model("cifar10"), images(5, 3, 32)),
    netCase("caffenet", model("caffenet"), images(2, 3, 227)),
  ];
  if (!hasShared()) return own;
  const zoo = (name: string) => sharedPath("zoo", "prototxt", name);
  return [
    ...own,
    netCase("cifar10_full", zoo("bvlc/examples+cifar10+cifar10_full_train_test.prototxt"), images(4, 3, 32)),
    netCase(
      "cifar10_sigmoid_bn",
      zoo("bvlc/examples+cifar10+cifar10_full_sigmoid_train_test_bn.prototxt"),
      images(4, 3, 32),
    ),
    netCase("googlenet", zoo("bvlc/models+bvlc_googlenet+train_val.prototxt"), images(2, 3, 224)),
    netCase("squeezenet", zoo("squeezenet/SqueezeNet_v1.1+train_val.prototxt"), images(2, 3, 227)),
  ];
}
