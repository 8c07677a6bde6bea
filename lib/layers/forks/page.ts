import type { ForkField } from "../../caffe/forks/field.js";
import { FORK_DEFAULTS, type ForkDefault } from "../../caffe/forks/defaults.js";
import { FORK_FIELDS } from "../../caffe/forks/fields.js";
import { forkNumbers } from "../../caffe/forks/numbers.js";
import { FORK_SOURCES } from "../../caffe/forks/sources.js";
import { create } from "../../caffe/message.js";
import { withCaffeType } from "../../caffe/upgrade-fork-types.js";
import { reflect } from "../../caffe/schema.js";
import { factsOf } from "../find-type.js";
import { isDataLayer, type LayerType } from "../layer.js";
import { layerTypes } from "../types.js";
import { pythonLayers } from "./python-layers.js";
import { refusedTypes } from "./refused.js";
import { FORK_LAYERS } from "./table.js";

const HEAD = `# Forks of Caffe

Made from the tables in \`lib/caffe/forks/fields.ts\` and \`lib/layers/forks/table.ts\` by \`npm run docs\`: do not edit.

Old nets come from forks, which have fields, values and layers that Caffe has not. A net with them loads, and \`inspect\` and \`draw\`
show it. What is _supported_ means here what it means there; _harmless_ fields change no shape and no number, and are warned about
with their meaning; a net with what is _refused_ does not train, test or convert: the error names the line and the reason. Where shapes
follow from it, \`inspect\` shows none after it; else it shows those that the net has without it, and says so.

Fields that are not listed here are warned about, and refused where the net runs, as values of enums are. Forks number their fields as
they like, so that one number means another thing in each: of binary nets netrun reads names, types and weights, whose numbers nearly all
forks agree on, and shows them; to run, a layer with a number that Caffe lacks, with one that forks have otherwise (\`pooling_param\` 13
is \`round_mode\` and \`ceil_mode\`, \`normalization: 3\` is NONE and PRE_FIXED, a convolution's 16 and 17 are \`axis\` and dilation,
\`force_nd_im2col\` and \`hole\`, and Intel's poolings have \`pad\`, \`kernel_size\` and \`stride\` in another order) or with parameters of
another type of layer is refused: give the net as a prototxt. Weights are read from the binary file all the same, those of C3D's first
version too, whose blobs have five dims; its layers and windows are read by its own numbers.

## Fields and values
`;

/** The text of docs/forks.md. */
export function forkPage(): string {
  const fields = table(["forks", "message", "fields", "meaning", "here"], FORK_FIELDS.map(fieldRow));
  const layers = table(["forks", "types", "meaning", "here"], FORK_LAYERS.map(layerRow));
  const defaults = table(["forks", "message", "field", "default there", "here"], FORK_DEFAULTS.map(defaultRow));
  const numbers = table(
    ["forks", "fields by their numbers"],
    forkNumbers().map(([fork, names]) => [fork, names.map((name) => `\`${name}\``).join(", ")]),
  );
  return `${HEAD}
${fields}

## Layers

${layers}

## Defaults

A field that a net leaves out has Caffe's default here. In some forks it has another: write it into a net that comes from one of them.

${defaults}

## Numbers

What the forks have at the numbers of LayerParameter that Caffe does not have, or came to use later: errors on binary nets name them.

${numbers}

## Sources

Whose \`caffe.proto\` was compared with Caffe's in what it adds to nets and layers; fields of forks that are not among them are from
their nets, or from the schemas of converters that read several forks (OpenVINO's, X2Paddle's).

${table(["forks", "repositories"], FORK_SOURCES)}
`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** Status of a field or value in netrun: what the schema has is supported. */
export function verdictOf({
  message,
  fields,
  values,
  refused,
  ignored,
  read,
}: ForkField): "supported" | "harmless" | "refused" {
  if (ignored) return "harmless";
  if (read) return "supported";
  const known = message === "*" ? {} : reflect(message as "LayerParameter").fields;
  const type = known[fields[0]!]?.resolvedType as { readonly values?: object } | null | undefined;
  const isKnown = values
    ? values.every((value) => Object.hasOwn(type?.values ?? {}, value))
    : fields.every((field) => Object.hasOwn(known, field));
  return isKnown ? "supported" : refused === undefined ? "harmless" : "refused";
}

function fieldRow(field: ForkField): readonly string[] {
  const verdict = verdictOf(field);
  const values = field.values ? `: ${field.values.join(", ")}` : "";
  const names = field.fields.map((name) => `\`${name}${values}\``).join(", ");
  const but = field.unless ? `, but as ${field.unless.join(" or ")}` : "";
  const shapes = field.shapes ? "; shapes are not known after it" : "";
  const here = verdict === "refused" ? `refused${but}: ${field.refused}${shapes}` : verdict;
  return [field.forks, field.message === "*" ? "any" : field.message, names, field.meaning, here];
}

function defaultRow({ forks, message, field, there }: ForkDefault): readonly string[] {
  const { defaultValue: value, resolvedType: type } = reflect(message as "LayerParameter").fields[field]!;
  const names = (type as { readonly valuesById?: Readonly<Record<number, string>> } | null)?.valuesById;
  return [forks, message, `\`${field}\``, `\`${there}\``, `\`${names?.[value as number] ?? shortest(value)}\``];
}

/** A float32 default as the text that it was written as. */
const shortest = (value: unknown): string => String(typeof value === "number" ? Number(value.toPrecision(6)) : value);

function layerRow({ forks, types, meaning }: (typeof FORK_LAYERS)[number]): readonly string[] {
  const verdicts = new Map<string, string[]>();
  for (const type of types) verdicts.set(layerVerdict(type), [...(verdicts.get(layerVerdict(type)) ?? []), type]);
  const here = [...verdicts].map(([verdict, of]) =>
    verdicts.size === 1 ? verdict : `${of.map((type) => `\`${type}\``).join(", ")}: ${verdict}`,
  );
  return [forks, types.map((type) => `\`${type}\``).join(", "), meaning, here.join("; ")];
}

/** Status of a layer type here, as far as it has bottoms or, of data layers, none. */
export function layerVerdict(name: string): string {
  const { type: caffe } = withCaffeType(create("LayerParameter", { type: name, bottom: ["x"] }));
  if (caffe !== name) return `as \`${caffe}\``;
  const builtIn: Readonly<Record<string, LayerType>> = layerTypes;
  const type = Object.hasOwn(builtIn, name) ? builtIn[name]! : undefined;
  if (Object.hasOwn(pythonLayers, name)) return "supported";
  if (type && isDataLayer(type)) return "supported";
  if (type) return type.inferenceOnly ? "supported, for inference" : "supported";
  const python = /^(.+)\.(\w+)$/.exec(name);
  const param = python ? { python_param: { module: python[1]!, layer: python[2]! } } : {};
  const layerOf = (bottom: string[]) =>
    create("LayerParameter", { name, type: python ? "Python" : name, bottom, top: ["y"], ...param });
  const { inference, data, topShapes } = factsOf(layerOf(["x"]));
  if (data || (!topShapes && /Data|Reader$/.test(name))) return "an input: `--data` feeds it, `--shape` says its shape";
  if (inference?.as === "prediction") return "refused in training; its prediction in inference";
  if (inference) return "refused in training; not needed in inference";
  const reason = Object.hasOwn(refusedTypes, name) ? `: ${refusedTypes[name]}` : "";
  return `refused${reason}; a plugin can add it`;
}
