import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net, type Tensors } from "../../lib/api/net.js";
import type { StoredWeights } from "../../lib/caffe/stored.js";
import { convert } from "../../lib/convert/index.js";
import type { Tensor } from "../../lib/data/tensor.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { readSafetensors, safetensorsOf } from "../support/safetensors.js";
import { goldenCases, goldenPath } from "../support/shared.js";

const NET = `
  layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 6 dim: 6 } } }
  layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 4 kernel_size: 3
    weight_filler { type: "xavier" } } }
  layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
  layer { name: "ip" type: "InnerProduct" bottom: "conv1" top: "ip" inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" include { stage: "scored" } }
  layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`;
const data: Tensor = { shape: [2, 3, 6, 6], data: Float32Array.from({ length: 216 }, (_, i) => Math.sin(i)) };

interface Recorded {
  readonly weights: Awaited<ReturnType<Net["stored"]>>;
  readonly blobs: Tensors;
}

async function record(): Promise<Recorded> {
  await using net = await Net.load(NET);
  return { weights: net.stored(), blobs: await net.forward({ data }) };
}

/** A tensor with one element changed. */
function changed({ shape, data: values }: Tensor, at: number, by: number): Tensor {
  const other = values.slice();
  other[at]! += by;
  return { shape, data: other };
}

describe("convert, comparing with recorded blobs", () => {
  it("compares every recorded blob, those inside with the net and outputs with the file, in the net's order", async () => {
    const { weights, blobs } = await record();
    const compare = { prob: blobs["prob"]!, conv1: blobs["conv1"]!, data };
    const { report } = await convert(NET, weights, { compare, verify: false });
    const { first, blobs: found } = report.comparison!;
    expect(found.map(({ blob, layer, from, within }) => [blob, layer, from, within])).to.deep.equal([
      ["conv1", "relu1", "net", true],
      ["prob", "prob", "file", true],
    ]);
    expect(first).to.equal(undefined);
  });

  it("names the first blob that differs, with layer, position and both values", async () => {
    const { weights, blobs } = await record();
    const compare = {
      "in/data": data,
      "out/ip": changed(blobs["ip"]!, 7, 0.25),
      "out/prob": changed(blobs["prob"]!, 1, 0.5),
    };
    const { first } = (await convert(NET, weights, { compare, verify: false })).report.comparison!;
    const actual = blobs["ip"]!.data[7]!;
    expect(first).to.deep.include({ blob: "ip", layer: "ip", from: "net", within: false });
    expect(first!.first).to.deep.equal({ position: [1, 2], recorded: Math.fround(actual + 0.25), actual });
  });

  it("takes NaN on one side for a difference", async () => {
    const { weights, blobs } = await record();
    const compare = { data, prob: changed(blobs["prob"]!, 3, Number.NaN) };
    const { first } = (await convert(NET, weights, { compare, verify: false })).report.comparison!;
    expect([first?.blob, first?.first?.position]).to.deep.equal(["prob", [0, 3]]);
  });

  it("skips recorded blobs that only scoring needs, and names them", async () => {
    const { weights, blobs } = await record();
    const one: Tensor = { shape: [], data: Float32Array.of(0.5) };
    const compare = { data, prob: blobs["prob"]!, acc: one, "grad_in/data": data, "param/conv1/0": one };
    const { comparison } = (await convert(NET, weights, { compare, verify: false })).report;
    expect(comparison!.skipped).to.deep.equal(["acc"]);
    expect(comparison!.blobs.map(({ blob }) => blob)).to.deep.equal(["prob"]);
  });

  it("refuses names that no blob has, inputs that are not recorded, and other shapes", async () => {
    const { weights, blobs } = await record();
    const prob = blobs["prob"]!;
    const run = (compare: Tensors, options = {}) => convert(NET, weights, { compare, verify: false, ...options });
    await failure(run({ data, prop: prob }), 'the net has no blob "prop"\nnote: did you mean "prob"?');
    await failure(run({ prob }), 'input "data" is not recorded');
    await failure(run({ data }), "no recorded blob is one that the net computes");
    await failure(
      run({ data, prob: { ...prob, shape: [5, 2] } }),
      'blob "prob" is recorded as [5,2], the net\'s is [2,5]',
    );
    await failure(
      run({ data: { ...data, shape: [2, 3, 4, 9] }, prob }),
      "recorded as [2,3,4,9], the file takes [N,3,6,6]",
    );
    await failure(run({ data, prob }, { batch: 1 }), "--batch 2 fixes the batch size to the recorded one");
    await failure(run({ data, prob }, { preprocess: true }), "compare without --preprocess");
  });

  it("holds half precision to its own bound", async () => {
    const { weights, blobs } = await record();
    const run = (by: number) =>
      convert(NET, weights, { compare: { data, prob: changed(blobs["prob"]!, 0, by) }, verify: false, fp16: true });
    expect((await run(0)).report.comparison!.first).to.equal(undefined);
    expect((await run(0.1)).report.comparison!.first!.blob).to.equal("prob");
  });
});

describe("netrun convert --compare", () => {
  const folder = freshFolder();
  const setUp = async (change: (blobs: Tensors) => Tensors) => {
    const [net, weights, reference, out] = ["net.prototxt", "w.caffemodel", "ref.safetensors", "m.onnx"].map((name) =>
      join(folder(), name),
    ) as [string, string, string, string];
    writeFileSync(net, NET);
    await using loaded = await Net.load(net);
    await loaded.save(weights);
    writeFileSync(reference, safetensorsOf(change(await loaded.forward({ data }))));
    return cli("convert", net, weights, "-o", out, "--compare", reference);
  };

  it("prints each blob's difference and exits with 0 where they agree", async () => {
    const { status, stdout } = await setUp((blobs) => blobs);
    expect(status).to.equal(0);
    expect(stdout).to.match(/compared conv1 \(layer "relu1"\): largest difference/);
    expect(stdout).to.match(/compared prob {2}\(layer "prob"\)/);
  });

  it("exits with 1 and names the blob where they do not", async () => {
    const { status, stdout, stderr } = await setUp((blobs) => ({ ...blobs, prob: changed(blobs["prob"]!, 9, 0.5) }));
    expect(status).to.equal(1);
    expect(stdout).to.include("DIFFERS  prob");
    expect(stderr).to.match(
      /blob "prob" of layer "prob" differs first, at \[1, 4\]: recorded [\d.]+, the written file gives [\d.]+/,
    );
  });

  it("exits with 1 where the file is missing or of another kind", async () => {
    const net = join(folder(), "net.prototxt");
    writeFileSync(net, NET);
    const run = (reference: string) =>
      cli("convert", net, "--allow-missing", "-o", join(folder(), "m.onnx"), "--compare", reference);
    expect(await run(join(folder(), "nowhere.npz"))).to.deep.include({ status: 1 });
    expect((await run(net)).stderr).to.include("neither an .npz nor a .safetensors file");
  });
});

/** Recorded nets that are only losses or scores: inference computes nothing of them. */
const REFUSED = [
  [/^(accuracy|contrastive|euclidean|hinge|multinomial)/, "the net computes nothing from its inputs"],
  [/^(sigmoid_ce|softmaxloss)/, "no recorded blob is one that the net computes"],
] as const;
/** Training normalises by the batch, inference by the running statistics. */
const DIFFERENT: readonly string[] = ["bn_2d", "bn_inplace_scale", "bn_train"];

describe("convert, comparing with what Caffe recorded of each layer", () => {
  for (const name of goldenCases("layers")) {
    const [path, reference] = ["prototxt", "safetensors"].map((kind) => goldenPath("layers", `${name}.${kind}`)) as [
      string,
      string,
    ];
    const run = () => convert(path, goldenWeights(reference), { compare: reference, verify: false });
    const [, refusal] = REFUSED.find(([pattern]) => pattern.test(name)) ?? [];
    if (refusal !== undefined) {
      it(`${name}: ${refusal}`, () => failure(run(), refusal));
    } else if (DIFFERENT.includes(name)) {
      it(`${name} differs, since training normalises by the batch`, async () => {
        expect((await run()).report.comparison!.first!.blob).to.equal("y");
      });
    } else {
      it(`${name} agrees`, async () => {
        const { comparison } = (await run()).report;
        expect(comparison!.first, JSON.stringify(comparison!.first)).to.equal(undefined);
        expect(comparison!.blobs.length).to.be.greaterThan(0);
      });
    }
  }
});

/** The parameters that a golden file has, by layer. */
function goldenWeights(path: string): StoredWeights {
  const weights = new Map<string, Tensor[]>();
  for (const [name, tensor] of readSafetensors(path).tensors) {
    const [, layer, index] = /^param\/(.*)\/(\d+)$/.exec(name) ?? [];
    if (layer === undefined) continue;
    const blobs = weights.get(layer) ?? [];
    blobs[Number(index)] = tensor;
    weights.set(layer, blobs);
  }
  return weights;
}
