import { createHash } from "node:crypto";
import { expect } from "chai";
import type protobuf from "protobufjs/light.js";
import { loadNet } from "../../lib/caffe/load.js";
import { type MessageName, reflect } from "../../lib/caffe/schema.js";
import { NetrunError } from "../../lib/error.js";
import { bodiesOf } from "../../lib/graph/body.js";
import { topological, type Value } from "../../lib/graph/index.js";
import { catalog, type PhaseName } from "../../lib/layers/index.js";
import { type LoweredNet, lower } from "../../lib/net/lower.js";
import { type Case, caseNet, layerCases } from "../support/layer-cases.js";

const FUSED = "belongs to relu, of which cases are elsewhere";
const DROPPED = "belongs to dropout, of which cases are elsewhere";
const PRE_FIXED = "belongs to normalization: PRE_FIXED, of which cases are elsewhere";
const SEGNET = "SegNet's, whose SoftmaxWithLoss alone reads it";
const TRAINING = "the fork computes in training alone";

/** Settings that neither change what any case of a type computes nor are refused there, each with its reason; "*": of all types. */
const SILENT: Readonly<Record<string, string>> = {
  "*.engine": "which library computes the layer",
  "*.force_nd_im2col": "by which code windows are computed",
  "*.debug_info": "what is printed",
  "*.filter_group": "C3D's: in how many steps a convolution is computed",
  "*.negative_slope": FUSED,
  "*.pre_fixed_normalizer": PRE_FIXED,
  "*.class_weighting": SEGNET,
  "*.weight_by_label_freqs": SEGNET,
  "*.transform_test": TRAINING,
  "ConvLSTM.bias_filler": "lstm_conv_param is given twice at most; forks-recurrent.spec.ts fills blobs by it",
  "ConvLSTM.weight_filler": "lstm_conv_param is given twice at most; forks-recurrent.spec.ts fills blobs by it",
  "Convolution3D.group": "C3D's does not read it",
  "Deconvolution3D.group": "C3D's does not read it",
  "ConvolutionDepthwise.group": "each channel is a group",
  "DepthwiseConvolution.group": "each channel is a group",
  "Correlation.do_abs": "of differences, which are refused",
  "Correlation.single_direction": "Correlation1D's",
  "Correlation1D.do_abs": "of differences, which are refused",
  "DenseBlock.use_dropout": DROPPED,
  "Im2col.bias_filler": "windows alone",
  "Im2col.bias_term": "windows alone",
  "Im2col.group": "windows alone",
  "Im2col.num_output": "windows alone",
  "Im2col.weight_filler": "windows alone",
  "InfogainLoss.source": "a file, and the third bottom goes before it",
  "MultiBoxLoss.sample_size": "belongs to mining_type: HARD_EXAMPLE, of which cases are elsewhere",
  "MultiBoxLoss.use_prior_for_nms": "belongs to mining_type: HARD_EXAMPLE, of which cases are elsewhere",
  "Resample.factor": "the fork does not read it",
  "SmoothL1LossOHEM.ignore_label": "regions are ignored by their weights",
  "SoftmaxCrossEntropyLoss.ignore_label": "no label, but a probability for each class",
};

/** Values of a field, as a prototxt has them. */
function valuesOf(field: protobuf.Field): readonly string[] {
  const { resolvedType: type } = field;
  if (type && "values" in type)
    return Object.keys(type.values).filter((name) => type.values[name] !== field.defaultValue);
  if (type?.name === "FillerParameter") return ['{ type: "constant" value: 0.37 }'];
  if (type?.name === "BlobShape") return ["{ dim: [2, 2] }"];
  if (type) return ["{ }"];
  if (field.type === "bool") return ["true", "false"];
  if (field.type === "string") return ['"none"'];
  return /int/.test(field.type) ? ["2", "3", "1", "0", "5"] : ["0.3", "2", "0.5", "1.5"];
}

function lowered(type: string, example: Case, phase: PhaseName): LoweredNet {
  const sizes = example.size === undefined ? {} : { sizes: new Map([["l", example.size]]) };
  return lower(loadNet(caseNet(type, example).text).message.layer, { phase, ...sizes });
}

/** A text for what a net computes: nodes with their attributes and constants, and what is kept of it. */
function digest(net: LoweredNet): string {
  const outputs = [...net.blobs.values(), ...net.states.values(), ...net.carries.values()];
  const kept = [
    [...net.blobs.keys()],
    net.parameters.map(({ spec }) => spec),
    net.losses.map(({ blob, weight, value }) => [blob, weight, outputs.indexOf(value)]),
    net.files.map(({ path }) => path),
  ];
  return JSON.stringify([nodes(outputs), kept], plain);
}

function nodes(outputs: readonly Value[]): unknown {
  const order = topological(outputs);
  const ids = new Map(order.map((node, i) => [node, i]));
  const at = ({ node, index }: Value) => [ids.get(node), index];
  const rows = order.map((node) => {
    const bodies = Object.entries(bodiesOf(node));
    const attrs = bodies.length > 0 ? bodies.map(([name, body]) => [name, nodes(body.outputs)]) : node.attrs;
    return [node.op.name, attrs, node.outputs.map(({ type }) => type), node.inputs.map(at)];
  });
  return [rows, outputs.map(at)];
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!ArrayBuffer.isView(value)) return value;
  return createHash("sha1")
    .update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    .digest("hex");
}

/** Tests whether a setting changes what a case computes, or is refused there. */
function matters(type: string, param: string, field: protobuf.Field, example: Case): boolean {
  const phases: readonly PhaseName[] = [example.phase ?? "TEST", example.phase === "TRAIN" ? "TEST" : "TRAIN"];
  return phases.some((phase) => {
    const base = digestOr(type, example, phase);
    return valuesOf(field).some((value) => {
      const setting = `${param} { ${field.name}${value.startsWith("{") ? "" : ":"} ${value} `;
      const { param: own = "" } = example;
      const given = own.includes(`${param} {`) ? own.replace(`${param} {`, setting) : `${own} ${setting} }`;
      return digestOr(type, { ...example, param: given }, phase) !== base;
    });
  });
}

function digestOr(type: string, example: Case, phase: PhaseName): string {
  try {
    return digest(lowered(type, example, phase));
  } catch (error) {
    if (error instanceof NetrunError) return error.message;
    throw error;
  }
}

describe("every setting of a layer", () => {
  it("changes what some case of its type computes, is refused, or is named here with a reason", () => {
    const silent = new Set<string>();
    for (const { type, params } of catalog()) {
      const cases: readonly Case[] | string = layerCases[type as keyof typeof layerCases];
      if (typeof cases === "string") continue;
      for (const { field: param, fields } of params) {
        const message = reflect("LayerParameter").fields[param]!.resolvedType!.name as MessageName;
        for (const { name } of fields) {
          if (cases.some(({ param: own = "" }) => new RegExp(`\\b${name}\\b`).test(own))) continue;
          const field = reflect(message).fields[name]!;
          if (cases.some((example) => matters(type, param, field, example))) continue;
          silent.add(Object.hasOwn(SILENT, `*.${name}`) ? `*.${name}` : `${type}.${name}`);
        }
      }
    }
    expect([...silent].sort()).to.deep.equal(Object.keys(SILENT).sort());
  }).timeout(30_000);
});
