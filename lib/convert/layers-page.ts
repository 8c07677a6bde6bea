import { catalog, type LayerType, layerTypes } from "../layers/index.js";
import { conversionOf } from "./net.js";

const HEAD = `# Layers

Made from the layers' definitions by \`npm run docs\`: do not edit.

Every layer type that netrun has, of Caffe and of its forks; [forks.md](forks.md) says which forks have which, and what of them is
refused. Each runs forward with its authors' numbers, which specs compare with plain loops or with Caffe's own. _trains_: it has a
gradient, which specs compare with differences, or nothing to train. _converts_: as itself (yes), as an input of the file, as its
prediction (losses), or not at all, for inference does without it (left out). \`netrun layers TYPE\` shows parameters and defaults.
`;

/** The text of docs/layers.md. */
export function layersPage(): string {
  const rows = catalog().map(({ type, bottoms, tops, params }) => [
    type,
    bottoms,
    tops,
    params.map(({ field }) => `\`${field}\``).join(", "),
    trains(type) ? "yes" : "no",
    conversionOf(type),
  ]);
  const header = ["type", "bottoms", "tops", "parameters", "trains", "converts"];
  const lines = [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${HEAD}\n${lines.join("\n")}\n`;
}

/** Layers of forks may be for inference alone. */
function trains(type: string): boolean {
  const definition = layerTypes[type as keyof typeof layerTypes] as LayerType;
  return !("inferenceOnly" in definition && definition.inferenceOnly);
}
