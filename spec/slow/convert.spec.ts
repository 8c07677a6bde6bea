import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { count } from "../../lib/graph/index.js";
import { Net } from "../../lib/model.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { hashedInput, hashWeights } from "../support/hashed.js";
import { describeShared, hasShared, sharedPath } from "../support/shared.js";

interface Golden {
  readonly blobs: Readonly<Record<string, readonly number[]>>;
  readonly inputs: readonly string[];
  readonly out: Readonly<Record<string, readonly number[]>>;
}

const folder = sharedPath("goldens", "zoo");

describeShared("converted deploy nets, against what Caffe computed of their outputs", () => {
  if (!hasShared()) return;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".json"));
  for (const file of files.sort()) {
    const name = file.slice(0, -".json".length);
    it(name, async () => {
      const golden = JSON.parse(readFileSync(join(folder, file), "utf8")) as Golden;
      const path = sharedPath("zoo", "prototxt", name);
      const { model } = await convert(path, await hashedWeights(path), { verify: false });
      await using converted = await openModelFile(model);
      const outputs = await converted.run(
        Object.fromEntries(golden.inputs.map((blob) => [blob, hashedInput(blob, golden.blobs[blob]!)])),
      );
      expect(Object.keys(outputs).sort()).to.deep.equal(Object.keys(golden.out).sort());
      for (const [blob, expected] of Object.entries(golden.out)) {
        const { shape, data } = outputs[blob]!;
        expect(shape).to.deep.equal(golden.blobs[blob]);
        const step = Math.max(1, Math.floor(count(shape) / 1000));
        expected.forEach((value, i) => {
          expect(data[i * step], `${blob}[${i * step}]`).to.be.closeTo(value, 1e-4 + 1e-3 * Math.abs(value));
        });
      }
    });
  }
});

async function hashedWeights(path: string) {
  await using net = await Net.load(path);
  hashWeights(net);
  return net.stored();
}
