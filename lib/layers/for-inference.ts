import { type InferenceOptions, isDataLayer, type LayerType } from "./layer.js";
import { registeredTypes } from "./plugins.js";
import { layerTypes } from "./types.js";

/** All layer types, plugins' among them, each lowered for inference where it can be. */
export function inferenceTypes(options: InferenceOptions): ReadonlyMap<string, LayerType> {
  const all = [...registeredTypes(), ...Object.entries<LayerType>(layerTypes)];
  return new Map(all.map(([key, type]) => [key, forInference(type, options)]));
}

function forInference(type: LayerType, options: InferenceOptions): LayerType {
  if (isDataLayer(type)) return type;
  const { lowerForInference } = type;
  if (!lowerForInference) return type;
  return {
    ...type,
    lower: (site) => {
      const tops = lowerForInference(site, options);
      return tops ? { tops } : type.lower(site);
    },
  };
}
