import { has, type Message } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { count } from "../graph/index.js";
import { allows, countText, isForeignData, type LayerType, noForeignData, shapeFault } from "../layers/index.js";
import { spanOf } from "../text/notes.js";

/** Dims of a shape that errors name. */
const SHOWN_DIMS = 8;

/** Throws for a shape that no blob can have. */
export function checkShape(
  layer: LayerParameter,
  what: string,
  shape: readonly number[],
  span?: ReturnType<typeof spanOf>,
): void {
  const fault = shapeFault(shape);
  const dims = shape.length > SHOWN_DIMS ? `${shape.slice(0, SHOWN_DIMS)},...` : shape;
  if (fault) throw layerError(layer, `${what} is [${dims}], ${fault}`, span);
}

/** Throws for a blob without values, for which Caffe has no memory: it stops at the first forward. Only Filter's tops may be empty. */
export function checkValues(
  layer: LayerParameter,
  what: string,
  shape: readonly number[],
  span?: ReturnType<typeof spanOf>,
): void {
  if (count(shape) === 0) throw layerError(layer, `${what} is [${shape}], without values`, span);
}

/** Caffe's loss layers make up for tops that are not named. */
export const topCountOf = (layer: LayerParameter, type: LayerType): number =>
  "loss" in type && type.loss ? Math.max(1, layer.top.length) : layer.top.length;

/** Throws if a layer has other numbers of bottoms, tops, loss_weight or propagate_down than Caffe takes. */
export function checkCounts(layer: LayerParameter, type: LayerType): void {
  const check = (what: "bottom" | "top", given: number) => {
    const allowed = type[`${what}s`];
    if (allows(allowed, given)) return;
    if (what === "top" && given === 0 && "loss" in type && type.loss) return;
    const span = spanOf(layer, what, given - 1) ?? spanOf(layer);
    throw layerError(layer, `${layer.type} layers take ${countText(allowed, what)}, not ${given}`, span);
  };
  check("bottom", layer.bottom.length);
  check("top", layer.top.length);
  if (type.topPerBottom && layer.bottom.length !== layer.top.length) {
    throw layerError(
      layer,
      `${layer.type} layers have as many tops as bottoms, not ${layer.top.length} for ${layer.bottom.length}`,
      spanOf(layer),
    );
  }
  const { loss_weight, propagate_down } = layer;
  const tops = topCountOf(layer, type);
  // A loss layer without a weight has one of 1, which is one too few for two tops. Source: loss_layer.cpp.
  const isLoss = "loss" in type && type.loss;
  const weights = isLoss ? Math.max(1, loss_weight.length) : loss_weight.length;
  if (weights > 0 && weights !== tops) {
    throw layerError(
      layer,
      `${loss_weight.length} loss_weight for ${tops} top${tops === 1 ? "" : "s"}`,
      spanOf(layer, "loss_weight") ?? spanOf(layer, "top", 1),
      [isLoss ? "give one for each top: loss_weight: 1 loss_weight: 0" : "give one for each top, or none"],
    );
  }
  if (propagate_down.length > 0 && propagate_down.length !== layer.bottom.length) {
    throw layerError(
      layer,
      `${propagate_down.length} propagate_down for ${layer.bottom.length} bottoms`,
      spanOf(layer, "propagate_down"),
      ["give one for each bottom, or none"],
    );
  }
}

/** An error of a layer, at a place in it or at the layer itself. */
export function layerError(
  layer: LayerParameter,
  message: string,
  span?: ReturnType<typeof spanOf>,
  notes: readonly string[] = [],
): NetrunError {
  return new NetrunError(`layer "${layer.name}": ${message}`, { span: span ?? spanOf(layer), notes });
}

/** Message for a bottom that no layer above makes; `blobs` are those there are. */
export function noBottom(layer: LayerParameter, index: number, blobs: readonly string[]): NetrunError {
  const name = layer.bottom[index]!;
  const near = nearest(name, blobs);
  return layerError(layer, `bottom "${name}" is not produced by any layer above`, spanOf(layer, "bottom", index), [
    `${near ? `did you mean "${near}"? ` : ""}(blobs here: ${namesText(blobs)})`,
    ...(near ? [] : [`where whoever ran the net fed it: inspect, draw and convert take --shape ${name}=1,3,224,224`]),
  ]);
}

/** Message for data whose shape nobody gave. */
export function noShape(layer: LayerParameter, top: string, index: number): NetrunError {
  if (isForeignData(layer)) return noForeignData(layer);
  const message = `the shape of top "${top}" is not known before its data is read`;
  return layerError(layer, message, spanOf(layer, "top", index), [
    "give the data layer its data, or replace it: replaceDataLayers, or --data PATH",
  ]);
}

/** The span of a field in the layer's own parameters, else in the layer, else of the layer. */
export function fieldSpan(layer: LayerParameter, paramField: LayerType["param"], field?: string) {
  const own = paramField === null ? null : (layer[paramField] as Message | null);
  if (field !== undefined) {
    if (own && has(own, field as never)) return spanOf(own, field);
    if (has(layer, field as never)) return spanOf(layer, field);
  }
  return (own && spanOf(layer, paramField!)) ?? spanOf(layer);
}

/** Names that an error lists at most. */
const LISTED = 50;

/** Names as errors list them: of many, the last. */
function namesText(names: readonly string[]): string {
  const more = names.length - LISTED;
  return more > 0 ? `${names.slice(-LISTED).join(", ")} and ${more} above` : names.join(", ");
}
