import type { LayerParameter } from "../caffe/messages.js";
import { findType, isDataLayer, type LayerType, type SourceFile } from "../layers/index.js";

/** The files that layers name to be lowered, each once. */
export function sourcesOf(
  layers: readonly LayerParameter[],
  types?: ReadonlyMap<string, LayerType>,
): readonly SourceFile[] {
  const files = layers.flatMap((layer) => {
    const type = findType(layer, types);
    return type && !isDataLayer(type) ? (type.sources?.(layer) ?? []) : [];
  });
  const each = files.map((file): SourceFile => (typeof file === "string" ? { path: file, as: "blob" } : file));
  return [...new Map(each.map((file) => [file.path, file])).values()];
}
