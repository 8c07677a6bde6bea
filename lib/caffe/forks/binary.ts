import protobuf from "protobufjs/light.js";
import { noteUnknown } from "../../text/notes.js";
import { amend, has, type Message } from "../message.js";
import {
  type ConvolutionParameter,
  LAYER_PARAMS,
  type LayerParameter,
  type LossParameter,
  LossParameter_NormalizationMode as Mode,
  type NetParameter,
  type PoolingParameter,
  type V1LayerParameter,
  V1LayerParameter_LayerType as V1Type,
} from "../messages.js";
import { reflect } from "../schema.js";
import { isOfC3d, withC3dFields } from "./c3d.js";
import { candidatesOf } from "./numbers.js";

/**
 * From these numbers on forks give fields of a layer to layers of their own; Caffe itself came to use some of them later. LRCN's LSTM
 * has 134, SegNet's Upsample 137, Intel's SmoothL1Loss 148.
 */
const FIRST_OF_FORKS = { layer: 131, v1: 40 } as const;

/**
 * A binary net in which the fields that are a fork's, or may be, are noted by number: forks number fields as they like, so that one
 * number is another field in each, and of those that Caffe has too it cannot be told whose they are. A net with them is refused where
 * it runs. The layers of C3D's first version, which are known by their blobs, get the types and windows that their numbers mean there.
 */
export function withFieldsOfForks(net: NetParameter): NetParameter {
  const { layer, layers } = net;
  for (const each of layer) note(each, [...doubtful(each), ...foreignNumbers(each as unknown as Message, "")]);
  if (layers.length === 0) return net;
  const isC3d = isOfC3d(net);
  const read = layers.map(withForkType).map((each) => (isC3d ? withC3dFields(each) : each));
  for (const each of read) {
    const foreign = foreignNumbers(each as unknown as Message, V1).filter((name) => name !== `${V1}${TYPE}`);
    note(each, [...(isC3d ? [] : doubtfulV1(each)), ...foreign]);
  }
  return amend(net, { layers: read });
}

/** Field of V1LayerParameter with the type, and what its fields' numbers are noted after. */
const TYPE = 5;
const V1 = "layers.";

/**
 * A V1 layer whose type is a number that Caffe does not have, with the type by the name that the forks have, if that is one, so that it
 * can be shown; DeepLab's image lists have the number of Deconvolution.
 */
function withForkType(layer: V1LayerParameter): V1LayerParameter {
  const isSegData = layer.type === V1Type.DECONVOLUTION && has(layer, "image_data_param");
  const number = isSegData ? undefined : numberOfType(layer);
  if (!isSegData && number === undefined) return layer;
  const typed = amend(layer, { type: null });
  const names = isSegData ? ["IMAGE_SEG_DATA"] : candidatesOf(`${V1}type.${number}`).map(([, name]) => name);
  noteUnknown(typed, { name: "type", text: names.length === 1 ? names[0]! : `TYPE_${number}` });
  if (!isSegData) note(typed, [`${V1}type.${number}`]);
  return typed;
}

/** The number of a layer's type where the schema has none of it. */
function numberOfType(layer: V1LayerParameter): number | undefined {
  const { $unknowns: unknown = [] } = layer as { readonly $unknowns?: readonly Uint8Array[] };
  // Its tag says that a number follows: a damaged file may have anything else there.
  const field = unknown.find((bytes) => bytes[0] === TYPE << 3);
  return field && protobuf.Reader.create(field.subarray(1)).uint32();
}

function note(layer: LayerParameter | V1LayerParameter, names: readonly string[]): void {
  for (const name of new Set(names)) noteUnknown(layer, { name, text: "" });
}

/** Tests whether an unknown field is one of a binary net, whose name is its number, after those of the messages that it is in. */
export const isNumbered = (name: string): boolean => /(^|\.)\d+$/.test(name);

/** Numbers that the schema does not have, of a message and those in it: "206", "convolution_param.51". */
function foreignNumbers(message: Message, path: string): readonly string[] {
  const { $type: type, $unknowns: unknown = [] } = message as unknown as {
    readonly $type: { readonly name: string };
    readonly $unknowns?: readonly Uint8Array[];
  };
  const own = unknown.map((bytes) => `${path}${numberOf(bytes)}`);
  const nested = reflect(type.name as "LayerParameter").fieldsArray.flatMap(({ name, resolvedType, repeated }) => {
    if (!resolvedType || repeated || name === "blobs" || !Object.hasOwn(message, name)) return [];
    const inner = (message as unknown as Record<string, Message | null>)[name];
    return inner && typeof inner === "object" ? foreignNumbers(inner, `${path}${name}.`) : [];
  });
  return [...new Set([...own, ...nested])];
}

/** The number of an encoded field: its tag, a varint, without the wire type. */
function numberOf(bytes: Uint8Array): number {
  let [tag, shift] = [0, 1];
  for (const byte of bytes) {
    tag += (byte & 127) * shift;
    shift *= 128;
    if (byte < 128) break;
  }
  return Math.floor(tag / 8);
}

/** Fields that Caffe has and forks have otherwise: those in messages of several types, and parameters of other layers. */
function doubtful(layer: LayerParameter): readonly string[] {
  const own: string | undefined = (LAYER_PARAMS as Readonly<Record<string, string>>)[layer.type];
  return [...paramsOfOthers("LayerParameter", layer, FIRST_OF_FORKS.layer, own), ...doubtfulWithin(layer)];
}

/** Doubtful fields of a V1 layer: a type's number that forks may have otherwise has parameters of another type. */
function doubtfulV1(layer: V1LayerParameter): readonly string[] {
  const others = paramsOfOthers("V1LayerParameter", layer, FIRST_OF_FORKS.v1, V1_PARAMS[layer.type]);
  return [...others, ...doubtfulWithin(layer)].map((name) => `${V1}${name}`);
}

/** Parameters of V1 types whose fields have late numbers; losses have loss_param as well. */
const V1_PARAMS: Readonly<Record<number, string>> = { 37: "contrastive_loss_param", 38: "exp_param" };

/** Tests for a field of several values that has none: every decoded message has it. */
const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** Parameters that are a type's alone; types without parameters of their own name share others, as Caffe's recurrent ones do. */
const OWNED: ReadonlySet<string> = new Set(Object.values(LAYER_PARAMS));

function paramsOfOthers(
  type: "LayerParameter" | "V1LayerParameter",
  layer: object,
  first: number,
  own: string | undefined,
): readonly string[] {
  const isOther = ({ id, name }: { readonly id: number; readonly name: string }) =>
    id >= first &&
    name.endsWith("_param") &&
    name !== own &&
    name !== "loss_param" &&
    (own !== undefined || OWNED.has(name)) &&
    Object.hasOwn(layer, name) &&
    !isEmpty((layer as Readonly<Record<string, unknown>>)[name]);
  return reflect(type)
    .fieldsArray.filter(isOther)
    .map(({ id }) => String(id));
}

interface Params {
  readonly convolution_param: ConvolutionParameter | null;
  readonly loss_param: LossParameter | null;
  readonly pooling_param: PoolingParameter | null;
}

/**
 * Numbers within parameters that forks have otherwise: `round_mode` is ceil_mode in some, NONE is PRE_FIXED, a convolution's `axis`
 * is dilation in caffe-action (1 changes nothing in either) and its `force_nd_im2col` hole in PSPNet, and Intel's poolings have the
 * numbers of pad and kernel_size in another order.
 */
function doubtfulWithin({
  convolution_param: convolution,
  pooling_param: pooling,
  loss_param: loss,
}: Params): readonly string[] {
  return [
    ...(pooling && has(pooling, "round_mode") ? ["pooling_param.13"] : []),
    ...(pooling && isOfIntel(pooling) ? ["pooling_param.2"] : []),
    ...(convolution && has(convolution, "axis") && convolution.axis !== 1 ? ["convolution_param.16"] : []),
    ...(convolution && has(convolution, "force_nd_im2col") ? ["convolution_param.17"] : []),
    ...(loss && has(loss, "normalization") && loss.normalization === Mode.NONE ? ["loss_param.3"] : []),
  ];
}

/**
 * Tests for windows as Intel numbers them: its pad, kernel_size and stride are read as Caffe's kernel_size, stride and pad. No net has
 * windows padded by their size or more, and hardly one has strides that are longer than a padded kernel.
 */
function isOfIntel(pooling: PoolingParameter): boolean {
  if (pooling.global_pooling || has(pooling, "kernel_h") || has(pooling, "kernel_w")) return false;
  const { kernel_size: size, stride, pad } = pooling;
  return size === 0 || pad >= size || (pad > 0 && stride > size);
}
