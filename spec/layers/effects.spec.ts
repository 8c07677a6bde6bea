import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { filterNet } from "../../lib/caffe/filter.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create } from "../../lib/caffe/message.js";
import { Phase } from "../../lib/caffe/messages.js";
import { count, float32, input, inputName, type Value } from "../../lib/graph/index.js";
import { catalog, isDataLayer, type LayerType, layerTypes, type PhaseName } from "../../lib/layers/index.js";
import { gradient } from "../../lib/net/gradient.js";
import { type LoweredNet, lower } from "../../lib/net/lower.js";
import { effectCases } from "../support/effect-cases.js";
import { type Bottom, type Case, caseNet, layerCases, odd } from "../support/layer-cases.js";
import { isRead, WITHOUT_EFFECT } from "../support/layer-fields.js";
import { otherCases } from "../support/other-cases.js";
import { prng } from "../support/prng.js";
import { runGraph } from "../support/run-graph.js";

/** Settings of a case or a golden that leave what is computed forward as it is, each with its reason. */
const NO_EFFECT: Readonly<Record<string, string>> = {
  "Yolov3: noobject_scale": "the fork's line that reads it is a comment",
};

/** Types whose settings settings.spec.ts changes, each against another way to say it, or a spec of their own. */
const ELSEWHERE: readonly string[] = [
  "ConvLSTM",
  "Convolution",
  "Convolution3D",
  "ConvolutionDepthwise",
  "Deconvolution",
  "Deconvolution3D",
  "DeformableConvolution",
  "DepthwiseConvolution",
  "Im2col",
  "ModulatedDeformableConvolution",
  "NdConvolution",
  "NdPooling",
  "Pooling",
  "Pooling3D",
  "SLLSTM",
];

/** Settings that no case here changes, each with the place that does. */
const UNWALKED: Readonly<Record<string, string>> = {
  "BN: decay": "forks-fields.spec.ts has it",
  "BN: moving_average": "false is refused",
  "BN: var_eps": "forks-fields.spec.ts has it",
  "BatchNorm: filler": "read as scale_filler",
  "BatchNorm: use_weight_bias": "read as scale_bias",
  "BilinearInterpolate: align_corners": "false is refused",
  "CTCLoss: alphabet_size": "only CtcLoss reads it",
  "CTCLoss: blank_label": "only CtcLoss reads it",
  "CTCLoss: ctc_merge_repeated": "false is refused",
  "CTCLoss: output_delay": "other than 0 is refused",
  "CTCLoss: preprocess_collapse_repeated": "true is refused",
  "CTCLoss: time_step": "only CtcLoss reads it",
  "ChannelScale: global_scale": "true is refused",
  "ContinuationIndicator: axis": "other than 0 is refused",
  "Correlation1D: correlation_type": "SUBTRACT is refused",
  "Correlation: correlation_type": "SUBTRACT is refused",
  "Correlation: single_direction": "only Correlation1D reads it",
  "CtcLoss: blank_index": "only CTCLoss and WarpCTCLoss read it",
  "DetectionEvaluate: name_size_file": "a file; detection-evaluate.spec.ts reads one",
  "DetectionOutput: save_output_param": "files; save-output.spec.ts writes them",
  "HDF5Output: file_name": "a file; hdf5-output.spec.ts writes it",
  "InfogainLoss: normalize": "it is refused",
  "InfogainLoss: source": "a file; infogain-loss.spec.ts reads it",
  "LSTM: debug_info": "lines of a log",
  "LSTM: expose_hidden": "lstm.spec.ts exposes them, which have no gradient",
  "LabelSpecificMargin: auto_tune": "true is refused",
  "LpqLoss: pq_episode_starts_at_iter": "forks-local.spec.ts counts iterations",
  "MultiBoxFocalLoss: background_label_id": "MultiBoxLoss reads it in the same place",
  "MultiBoxFocalLoss: conf_loss_type": "MultiBoxLoss reads it in the same place",
  "MultiBoxFocalLoss: do_neg_mining": "MultiBoxLoss reads it in the same place",
  "MultiBoxFocalLoss: map_object_to_agnostic": "MultiBoxLoss reads it in the same place",
  "MultiBoxFocalLoss: objectness_score": "MultiBoxLoss reads it in the same place",
  "MultiBoxFocalLoss: share_location": "MultiBoxLoss reads it in the same place",
  "Normalize: fix_gradient": "it is refused",
  "Pad: pad_type": "other than CONSTANT is refused",
  "Python: layer": "names of modules and classes; forks-rcnn.spec.ts has them",
  "Python: module": "names of modules and classes; forks-rcnn.spec.ts has them",
  "Python: param_str": "the text of a module's settings",
  "RNN: debug_info": "lines of a log",
  "RNN: expose_hidden": "rnn.spec.ts exposes them, which have no gradient",
  "RegionLoss: softmax_tree": "it is refused",
  "Resample: factor": "the fork does not read it",
  "SmoothL1LossOHEM: ignore_label": "it has no labels",
  "SpatialTransformer: sampler_type": "bilinear alone is supported",
  "SpatialTransformer: transform_type": "affine alone is supported",
  "WarpCTCLoss: alphabet_size": "only CtcLoss reads it",
  "WarpCTCLoss: blank_label": "only CtcLoss reads it",
  "WarpCTCLoss: time_step": "only CtcLoss reads it",
};

interface Example {
  readonly name: string;
  readonly text: string;
  readonly phase: PhaseName;
  readonly size?: number | undefined;
  readonly bottoms?: readonly Bottom[];
}

const GOLDENS = "fixtures/goldens/layers";
const ofCases = (all: Readonly<Record<string, readonly Case[] | string>>) =>
  Object.entries(all).flatMap(([type, cases]) =>
    typeof cases === "string"
      ? []
      : cases.map((example, i): Example => {
          const { phase = "TEST", size, bottoms = [odd] } = example;
          return { name: `${type} ${i + 1}`, text: caseNet(type, example).text, phase, size, bottoms };
        }),
  );
const { Python: _, ...others } = otherCases;
const EXAMPLES: readonly Example[] = [
  ...ofCases(layerCases),
  ...ofCases(others),
  ...ofCases(effectCases),
  ...readdirSync(GOLDENS)
    .filter((name) => name.endsWith(".prototxt"))
    .map((name): Example => ({ name, text: readFileSync(`${GOLDENS}/${name}`, "utf8"), phase: "TRAIN" })),
];

describe("settings of the cases and goldens of layers", () => {
  it("change what is computed, or are named here with a reason", async () => {
    const entries = new Map(catalog().map((entry) => [entry.type, entry]));
    const [without, effective] = [new Set<string>(), new Set<string>()];
    for (const example of EXAMPLES) {
      const { message } = loadNet(example.text, { name: example.name });
      const found = async (of: typeof results) => {
        const state = create("NetState", { phase: Phase[example.phase] });
        const sizes = example.size === undefined ? {} : { sizes: new Map([["l", example.size]]) };
        return of(lower(filterNet(message, state).layer, { phase: example.phase, ...sizes }), example.bottoms);
      };
      const base = await found(results);
      for (const layer of message.layer)
        for (const { field: param, fields } of entries.get(layer.type)?.params ?? []) {
          const settings = (Object.hasOwn(layer, param) ? layer[param] : null) as Record<string, unknown> | null;
          for (const { name } of settings ? fields : []) {
            if (!Object.hasOwn(settings!, name)) continue;
            const value = settings![name];
            delete settings![name];
            // Of what is said as it is without a word, being said may count.
            const isDefault = JSON.stringify(settings![name]) === JSON.stringify(value);
            {
              const other = await found(results).catch(() => undefined);
              // What forward is the same may have another gradient.
              const slopes = other === base ? await found(gradients) : undefined;
              settings![name] = value;
              const differs = other !== base || slopes !== (await found(gradients));
              if (differs || (!isDefault && !Object.hasOwn(WITHOUT_EFFECT, name)))
                (differs ? effective : without).add(`${layer.type}: ${name}`);
            }
            settings![name] = value;
          }
        }
    }
    expect([...without].filter((name) => !effective.has(name)).sort()).to.deep.equal(Object.keys(NO_EFFECT));
    const unwalked = catalog().flatMap(({ type, params }) => {
      if (isDataLayer((layerTypes as Readonly<Record<string, LayerType>>)[type]!) || ELSEWHERE.includes(type))
        return [];
      const fields = params.flatMap((param) => param.fields.map(({ name }) => name));
      return fields
        .filter((name) => name !== "engine" && !Object.hasOwn(WITHOUT_EFFECT, name) && isRead(name, type))
        .map((name) => `${type}: ${name}`)
        .filter((name) => !effective.has(name) && !Object.hasOwn(NO_EFFECT, name));
    });
    expect([...new Set(unwalked)].sort()).to.deep.equal(Object.keys(UNWALKED));
  }).timeout(120_000);
});

/** All blobs of a net and what it keeps for the next forward, with its parameters' shapes and fillers, as a text; its inputs are random, the same each time. */
async function results(net: LoweredNet, bottoms?: readonly Bottom[]): Promise<string> {
  const kept = [...net.carries.values()].map((value, i) => [`carry ${i}`, value] as const);
  const states = [...net.states].map(([key, value]) => [`state ${key}`, value] as const);
  const values = await runGraph(Object.fromEntries([...net.blobs, ...states, ...kept]), feedsOf(net, bottoms));
  const shapes = Array.from(net.blobs, ([name, { type }]) => [name, type.shape]);
  const blobs = net.parameters.map(({ spec: { shape, filler } }) => [shape, filler]);
  return textOf([shapes, blobs], values);
}

/** Gradients of a net's inputs and parameters, by random ones of its tops, as a text. */
async function gradients(net: LoweredNet, bottoms?: readonly Bottom[]): Promise<string> {
  const feeds = feedsOf(net, bottoms);
  const seeds = new Map<Value, Value>();
  for (const name of net.outputs) {
    const value = net.blobs.get(name)!;
    const random = prng(11);
    feeds[`seed ${name}`] = Float32Array.from({ length: count(value.type.shape) }, () => random() + 0.5);
    seeds.set(value, input(`seed ${name}`, float32(value.type.shape)));
  }
  const moving = [...net.inputs.values(), ...net.parameters.map(({ value }) => value)];
  const found = gradient(seeds, moving);
  const named = moving.flatMap((_, i) => (found[i] ? [[`gradient ${i}`, found[i]] as const] : []));
  return textOf([], named.length > 0 ? await runGraph(Object.fromEntries(named), feeds) : {});
}

const textOf = (facts: readonly unknown[], values: Readonly<Record<string, Float32Array>>) =>
  JSON.stringify([facts, Object.entries(values).map(([name, data]) => [name, Array.from(data, String)])]);

/** Values of a net's inputs, parameters, random numbers and states. */
function feedsOf(net: LoweredNet, bottoms?: readonly Bottom[]): Record<string, Float32Array> {
  const feeds: Record<string, Float32Array> = {};
  const feed = (leaf: Value, from: number, to: number) => {
    const name = inputName(leaf)!;
    const random = prng([...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 2 ** 31);
    feeds[name] = Float32Array.from({ length: count(leaf.type.shape) }, () => from + (to - from) * random());
  };
  for (const [name, leaf] of net.inputs) {
    const bottom = bottoms?.[Number(name.slice(1))];
    if (bottom && "given" in bottom) feeds[inputName(leaf)!] = Float32Array.from(bottom.given);
    else if (bottom && "from" in bottom) feed(leaf, bottom.from, bottom.to);
    else feed(leaf, bottoms ? -1 : 0, bottoms ? 1 : 3);
  }
  for (const { value, spec } of net.parameters) feed(value, spec.state ? 0.5 : -1, 1);
  for (const leaf of net.randoms) feed(leaf, 0, 1);
  for (const leaf of net.carries.keys()) feed(leaf, 0, 0);
  return feeds;
}
