import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { count } from "../../lib/graph/index.js";
import { hashedInput, hashWeights } from "../support/hashed.js";
import { describeShared, sharedPath } from "../support/shared.js";

interface Golden {
  readonly blobs: Readonly<Record<string, readonly number[]>>;
  readonly params: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Mean, mean of absolute values and root mean square. */
  readonly stats: Readonly<Record<string, readonly [number, number, number]>>;
  /** Every k-th value, k = max(1, floor(count / 1000)). */
  readonly out: Readonly<Record<string, readonly number[]>>;
}

function statistics(values: Float32Array): [number, number, number] {
  let [sum, absolute, square] = [0, 0, 0];
  for (const value of values) {
    sum += value;
    absolute += Math.abs(value);
    square += value * value;
  }
  return [sum / values.length, absolute / values.length, Math.sqrt(square / values.length)];
}

async function check(path: string, golden: Golden): Promise<void> {
  await using net = await Net.load(path);
  const params = Object.fromEntries([...net.params].map(([layer, blobs]) => [layer, blobs.map(({ shape }) => shape)]));
  expect(params).to.deep.equal(golden.params);
  expect([...net.inputs].sort()).to.deep.equal([...golden.inputs].sort());
  expect([...net.outputs].sort()).to.deep.equal([...golden.outputs].sort());
  hashWeights(net);
  const blobs = await net.forward(
    Object.fromEntries(golden.inputs.map((name) => [name, hashedInput(name, golden.blobs[name]!)])),
  );
  const shapes = Object.fromEntries(Object.entries(blobs).map(([name, { shape }]) => [name, shape]));
  expect(shapes).to.deep.equal(golden.blobs);
  for (const [name, expected] of Object.entries(golden.stats)) {
    statistics(blobs[name]!.data).forEach((value, i) => {
      expect(value, `statistic ${i} of ${name}`).to.be.closeTo(expected[i]!, 1e-5 + 1e-3 * Math.abs(expected[i]!));
    });
  }
  for (const [name, expected] of Object.entries(golden.out)) {
    const { shape, data } = blobs[name]!;
    const step = Math.max(1, Math.floor(count(shape) / 1000));
    expected.forEach((value, i) => {
      expect(data[i * step], `${name}[${i * step}]`).to.be.closeTo(value, 1e-4 + 1e-3 * Math.abs(value));
    });
  }
}

const folder = sharedPath("goldens", "zoo");

describeShared("published deploy nets, against what Caffe computed of every blob", () => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".json"));
  for (const file of files.sort()) {
    const name = file.slice(0, -".json".length);
    it(name, async () => {
      const golden = JSON.parse(readFileSync(join(folder, file), "utf8")) as Golden;
      await check(sharedPath("zoo", "prototxt", name), golden);
    });
  }
});
