import { dropUnknown, noteSpan, spanOf, type UnknownField, unknownFields } from "../text/notes.js";
import { amend, create } from "./message.js";
import { type LayerParameter, PoolingParameter_PoolMethod as Method } from "./messages.js";

/** A layer of OpenCL Caffe into which others are fused, as those layers: a convolution and its ReLU, an LRN and the Pooling after it. */
export function unfused(layer: LayerParameter): readonly LayerParameter[] {
  const { convolution_param: convolution, lrn_param: lrn } = layer;
  if (convolution && fuseType(convolution) === "FUSED_CONV_RELU") {
    const rectified = amend(convolution, { relu: true });
    dropUnknown(rectified, "fuse_type");
    return [amend(layer, { convolution_param: rectified })];
  }
  const pooling = lrn && unknownFields(lrn).find(({ name }) => name === "pooling_param");
  if (!lrn || fuseType(lrn) !== "FUSED_POOL_MAX" || !pooling || !("fields" in pooling)) return [layer];
  const plain = amend(lrn, {});
  dropUnknown(plain, "fuse_type");
  dropUnknown(plain, "pooling_param");
  const between = `${layer.name}/unpooled`;
  const pooled = create("LayerParameter", {
    name: `${layer.name}/pool`,
    type: "Pooling",
    bottom: [between],
    top: layer.top,
    pooling_param: Object.fromEntries(pooling.fields.map(poolingField)),
  });
  noteSpan(pooled, spanOf(layer));
  return [amend(layer, { lrn_param: plain, top: [between] }), pooled];
}

/** Tests whether something is fused into a layer that is a layer of its own here. */
export const isFused = (layer: LayerParameter): boolean => {
  const [first] = unfused(layer);
  return first !== layer;
};

function fuseType(param: object): string | undefined {
  const field = unknownFields(param).find(({ name }) => name === "fuse_type");
  return field && "text" in field ? field.text : undefined;
}

function poolingField(field: UnknownField): readonly [string, number] {
  const text = "text" in field ? field.text : "";
  return [field.name, field.name === "pool" ? Method[text as keyof typeof Method] : Number(text)];
}
