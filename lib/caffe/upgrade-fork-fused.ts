import { dropUnknown, noteSpan, spanOf, type UnknownField, unknownFields } from "../text/notes.js";
import { amend, create, has } from "./message.js";
import { type LayerParameter, PoolingParameter_PoolMethod as Method } from "./messages.js";

/**
 * A layer into which others are fused, as those layers: OpenCL Caffe's convolution and its ReLU, or LRN and the Pooling after it, and
 * Intel's BatchNorm and the ReLU after it.
 */
export function unfused(layer: LayerParameter): readonly LayerParameter[] {
  const { convolution_param: convolution, lrn_param: lrn, batch_norm_param: norm } = layer;
  if (norm && textOf(norm, "relu") === "true") {
    const plain = amend(norm, {});
    dropUnknown(plain, "relu");
    return [amend(layer, { batch_norm_param: plain }), after(layer, layer.top, "relu", "ReLU")];
  }
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
  const pooling_param = create("PoolingParameter", Object.fromEntries(pooling.fields.map(poolingField)));
  const pooled = amend(after(layer, [between], "pool", "Pooling"), { pooling_param });
  return [amend(layer, { lrn_param: plain, top: [between] }), pooled];
}

/** A layer that makes the tops of another from what is then between them; it is where the other is. */
function after(layer: LayerParameter, bottom: readonly string[], name: string, type: string): LayerParameter {
  const { top, include, exclude } = layer;
  const phase = has(layer, "phase") ? { phase: layer.phase } : {};
  const made = create("LayerParameter", {
    name: `${layer.name}/${name}`,
    type,
    bottom,
    top,
    include,
    exclude,
    ...phase,
  });
  noteSpan(made, spanOf(layer));
  return made;
}

/** Tests whether something is fused into a layer that is a layer of its own here. */
export const isFused = (layer: LayerParameter): boolean => {
  const [first] = unfused(layer);
  return first !== layer;
};

const fuseType = (param: object): string | undefined => textOf(param, "fuse_type");

/** The text of a field that the schema does not have. */
function textOf(param: object, wanted: string): string | undefined {
  const field = unknownFields(param).find(({ name }) => name === wanted);
  return field && "text" in field ? field.text : undefined;
}

function poolingField(field: UnknownField): readonly [string, number] {
  const text = "text" in field ? field.text : "";
  return [field.name, field.name === "pool" ? Method[text as keyof typeof Method] : Number(text)];
}
