// Writes TypeScript interfaces for a proto2 schema, and descriptors in JSON, which are read faster than schemas. Run by `npm run generate`; spec/caffe/messages.spec.ts compares.
// protobufjs-cli generates static codecs with mutable, camelCase or class-based types; netrun reads through reflection and
// wants readonly snake_case data with proto2 presence, which is this page.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const HEADER = `// Generated from proto/caffe.proto by proto/generate.mjs (\`npm run generate\`). Do not edit.

/** Values that \`create\` takes for a message: any part of it, nested messages as plain objects, lists of floats as arrays too. */
export type Init<T> = T extends Float32Array | Float64Array
  ? T | readonly number[]
  : T extends Uint8Array
    ? T
    : T extends readonly (infer E)[]
      ? readonly Init<E>[]
      : T extends object
        ? { readonly [K in keyof T]?: Init<NonNullable<T[K]>> | null | undefined }
        : T;
`;

const SCALARS = { string: "string", bool: "boolean", bytes: "Uint8Array" };
/** Weights are big: these lists are typed arrays. */
const TYPED_LISTS = {
  "BlobProto.data": "Float32Array",
  "BlobProto.diff": "Float32Array",
  "BlobProto.double_data": "Float64Array",
  "BlobProto.double_diff": "Float64Array",
};

/** The TypeScript name of a message or enum: nested names joined by `_`, as protoc's C++ does. */
function nameOf(type) {
  return type.parent instanceof protobuf.Type ? `${nameOf(type.parent)}_${type.name}` : type.name;
}

function fieldType(field) {
  const { resolvedType, repeated } = field;
  if (resolvedType instanceof protobuf.Type)
    return repeated ? `readonly ${nameOf(resolvedType)}[]` : `${nameOf(resolvedType)} | null`;
  const element = resolvedType ? nameOf(resolvedType) : (SCALARS[field.type] ?? "number");
  const list = TYPED_LISTS[`${field.parent.name}.${field.name}`] ?? `readonly ${element}[]`;
  return repeated ? list : element;
}

function defaultNote(field) {
  if (field.options?.default === undefined) return "";
  const value = field.options.default;
  return `  /** Default ${typeof value === "string" && !field.resolvedType ? JSON.stringify(value) : value}. */\n`;
}

function* declarations(namespace) {
  for (const nested of namespace.nestedArray) {
    const name = nameOf(nested);
    if (nested instanceof protobuf.Enum) {
      const values = Object.entries(nested.values).map(([key, value]) => `  ${key}: ${value},\n`);
      yield `export const ${name} = {\n${values.join("")}} as const;\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];\n`;
    } else if (nested instanceof protobuf.Type) {
      const fields = nested.fieldsArray.map((f) => `${defaultNote(f)}  readonly ${f.name}: ${fieldType(f)};\n`);
      yield `export interface ${name} {\n${fields.join("")}}\n`;
      yield* declarations(nested);
    } else yield* declarations(nested);
  }
}

function* messages(namespace) {
  for (const nested of namespace.nestedArray) {
    if (nested instanceof protobuf.Type) yield nameOf(nested);
    if (nested instanceof protobuf.Namespace) yield* messages(nested);
  }
}

/** Layer types and the field with their parameters: ConvolutionParameter in LayerParameter.convolution_param is "Convolution". */
function layerParams(root) {
  const entries = root.lookupType("LayerParameter").fieldsArray.flatMap(({ name, resolvedType }) => {
    const type = /^(.+)Parameter$/.exec(resolvedType?.name ?? "")?.[1];
    return type && !SHARED_PARAMS.includes(type) && !OTHER_NAMES.includes(name) ? [`  ${type}: "${name}",\n`] : [];
  });
  const note = "Layer types with parameters of their own: type to the field of LayerParameter that holds them.";
  return `/** ${note} */\nexport const LAYER_PARAMS = {\n${entries.join("")}} as const;\n`;
}

/** Messages of LayerParameter that several types have. */
const SHARED_PARAMS = ["Transformation", "Loss", "Recurrent"];

/** Fields that hold what a layer type has in another: a fork's names of them. */
const OTHER_NAMES = ["convolution3d_param", "pooling3d_param", "pooling_nd_param"];

/** The text of messages.ts for the text of a schema. */
export function generate(proto) {
  const { root } = protobuf.parse(proto, { keepCase: true });
  root.resolveAll();
  const map = [...messages(root)].map((name) => `  ${name}: ${name};\n`).join("");
  return [
    HEADER,
    ...declarations(root),
    layerParams(root),
    `/** Every message by name. */\nexport interface Messages {\n${map}}\n`,
  ].join("\n");
}

/** The descriptor in JSON of a schema. */
export function descriptor(proto) {
  const { root } = protobuf.parse(proto, { keepCase: true });
  return `${JSON.stringify(root.toJSON())}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const here = (path) => new URL(path, import.meta.url);
  writeFileSync(here("../lib/caffe/messages.ts"), generate(readFileSync(here("caffe.proto"), "utf8")));
  for (const name of ["caffe", "onnx"])
    writeFileSync(here(`${name}.json`), descriptor(readFileSync(here(`${name}.proto`), "utf8")));
}
