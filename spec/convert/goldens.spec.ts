import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import type { StoredBlob } from "../../lib/caffe/stored.js";
import { convert } from "../../lib/convert/index.js";
import { conversionOf } from "../../lib/convert/net.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { failure } from "../support/failure.js";
import { readSafetensors } from "../support/safetensors.js";
import { goldenCases, goldenPath } from "../support/shared.js";

const folder = (file: string) => goldenPath("layers", file);

/** The tensors of a golden whose names start so, without that. */
const group = (tensors: ReadonlyMap<string, StoredBlob>, prefix: string) =>
  [...tensors].flatMap(([key, tensor]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), tensor] as const] : [],
  );

/** Nets of a score alone, or of a loss whose prediction is an input. */
const NOTHING_LEFT = /^(accuracy|contrastive|euclidean|hinge|multinomial)/;

/** Converts a golden's net and compares what the file gives, losses aside, with what Caffe computed. */
async function check(name: string): Promise<void> {
  const { tensors } = readSafetensors(folder(`${name}.safetensors`));
  const net = loadNet(folder(`${name}.prototxt`)).message;
  const blobs = new Map<string, StoredBlob[]>();
  for (const [key, blob] of group(tensors, "param/")) {
    const [layer, index] = key.split("/") as [string, string];
    const list = blobs.get(layer) ?? [];
    list[Number(index)] = blob;
    blobs.set(layer, list);
  }
  const inputs = Object.fromEntries(group(tensors, "in/"));
  const { model, report } = await convert(net, blobs, { verify: [inputs] });
  for (const { output, absolute, within } of report.verification!)
    expect(within, `${output}: ${absolute}`).to.equal(true);
  const others = new Set(net.layer.flatMap(({ type, top }) => (conversionOf(type) === "yes" ? top : [])));
  await using file = await openModelFile(model);
  const outputs = await file.run(inputs);
  for (const [blob, { shape, data }] of Object.entries(outputs)) {
    const expected = tensors.get(`out/${blob}`);
    if (!others.has(blob) || !expected) continue;
    expect(shape, blob).to.deep.equal(expected.shape);
    // What the reference data's own README asks.
    expected.data.forEach((b, i) => {
      if (data[i] !== b) expect(data[i], `${blob}[${i}]`).to.be.closeTo(b, 1e-4 + 1e-3 * Math.abs(b));
    });
  }
}

describe("converted layers, against what Caffe computed", () => {
  for (const name of goldenCases("layers")) {
    const { layer } = loadNet(folder(`${name}.prototxt`)).message;
    const isTraining = readSafetensors(folder(`${name}.safetensors`)).metadata["phase"] === "TRAIN";
    // These two compute something else in training than what is converted.
    if (isTraining && layer.some(({ type }) => ["BatchNorm", "Dropout"].includes(type))) continue;
    if (NOTHING_LEFT.test(name)) {
      it(`${name} leaves nothing to convert`, () => failure(check(name), "the net computes nothing from its inputs"));
    } else it(name, () => check(name));
  }
});
