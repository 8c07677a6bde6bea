import protobuf from "protobufjs/light.js";
import { noteUnknown } from "../../text/notes.js";
import { amend, create, damaged, has } from "../message.js";
import type { BlobProto, ConvolutionParameter, PoolingParameter, V1LayerParameter } from "../messages.js";
import { reflect } from "../schema.js";

/** V1 names of layer types by their numbers in C3D's first version, where these are not Caffe's. */
const TYPES: Readonly<Record<number, string>> = {
  30: "CONVOLUTION3D",
  31: "POOLING3D",
  32: "VOLUME_DATA",
  33: "VIDEO_DATA",
  34: "DECONVOLUTION3D",
  35: "VIDEO_SEGMENTATION_DATA",
  36: "VOXEL_SOFTMAX",
  37: "VOXEL_SOFTMAX_LOSS",
  38: "VIDEO_WITH_VOXEL_TRUTH_DATA",
  39: "VOXEL_CUSTOM_LOSS",
};

/** Name of the type that a number of V1's enum means in C3D, where Caffe has another there. */
export const c3dType = (type: number): string | undefined => TYPES[type];

interface V1Blobs {
  readonly blobs: readonly BlobProto[];
}

/** Tests for a binary net of C3D's first version: V1 layers whose blobs have five dims, which Caffe's never had. */
export const isOfC3d = ({ layers }: { readonly layers: readonly V1Blobs[] }): boolean =>
  layers.some(({ blobs }) => blobs.some(({ shape }) => shape?.dim.length === 5));

/** A layer of C3D's first version with its type, and its fields of windows under the names of what their numbers mean there. */
export function withC3dFields(layer: V1LayerParameter): V1LayerParameter {
  const { convolution_param: convolution, pooling_param: pooling } = layer;
  const text = c3dType(layer.type);
  const read = amend(layer, {
    ...(text !== undefined && { type: null }),
    ...(convolution && { convolution_param: convolutionOf(convolution) }),
    ...(pooling && { pooling_param: poolingOf(pooling) }),
  });
  if (text !== undefined) noteUnknown(read, { name: "type", text });
  return read;
}

/** C3D's kernel_depth is 6 (Caffe's stride), stride 7, temporal_stride 8, the fillers 9 and 10, temporal_pad 12 (Caffe's kernel_w). */
function convolutionOf(param: ConvolutionParameter): ConvolutionParameter {
  const { unknown, known } = parted(param);
  const [depth, stride, temporal] = [param.stride[0], numberIn(unknown.get(7)), numberIn(unknown.get(8))];
  const [weight, bias] = [fillerIn(unknown.get(9)), fillerIn(unknown.get(10))];
  return amend<ConvolutionParameter>(known, {
    stride: stride === undefined ? [] : [stride],
    kernel_h: null,
    kernel_w: null,
    ...(depth !== undefined && { kernel_depth: depth }),
    ...(temporal !== undefined && { temporal_stride: temporal }),
    ...(has(param, "kernel_w") && { temporal_pad: param.kernel_w }),
    ...(weight && { weight_filler: weight }),
    ...(bias && { bias_filler: bias }),
  });
}

/** C3D's kernel_depth and temporal_stride have the numbers of Caffe's kernel_h and kernel_w. */
function poolingOf(param: PoolingParameter): PoolingParameter {
  return amend<PoolingParameter>(param, {
    kernel_h: null,
    kernel_w: null,
    ...(has(param, "kernel_h") && { kernel_depth: param.kernel_h }),
    ...(has(param, "kernel_w") && { temporal_stride: param.kernel_w }),
  });
}

/** Numbers that C3D's convolution has where Caffe has other kinds of fields, with their wire types: numbers, then messages. */
const READ: ReadonlyMap<number, number> = new Map([
  [7, 0],
  [8, 0],
  [9, 2],
  [10, 2],
]);

/** A message's unknown fields by number, those that are read here, and the message with the others. */
function parted(param: ConvolutionParameter) {
  const { $unknowns: all = [] } = param as { readonly $unknowns?: readonly Uint8Array[] };
  const unknown = new Map<number, protobuf.Reader>();
  const others: Uint8Array[] = [];
  for (const bytes of all) {
    const reader = protobuf.Reader.create(bytes);
    const tag = reader.uint32();
    const id = tag >>> 3;
    // A damaged file may have a field of another kind there.
    if (READ.get(id) === (tag & 7)) unknown.set(id, reader);
    else others.push(bytes);
  }
  const known = create("ConvolutionParameter", Object.fromEntries(Object.entries(param)));
  Object.defineProperty(known, "$unknowns", { value: others, enumerable: false });
  return { unknown, known };
}

const numberIn = (reader: protobuf.Reader | undefined): number | undefined => reader?.uint32();

function fillerIn(reader: protobuf.Reader | undefined): object | undefined {
  try {
    return reader && reflect("FillerParameter").decode(reader.bytes());
  } catch (cause) {
    throw damaged("FillerParameter", reader!, cause);
  }
}
