import protobuf from "protobufjs/light.js";
import { NetrunError } from "../error.js";
import { isBinary } from "./files.js";

/** Kind of a file, by its content. */
export type Content = "net" | "state" | "mean" | "onnx" | "side" | "json" | "text" | "empty";

/** Limits and names that readers of files take. */
export type Wanted = "NetParameter" | "SolverParameter" | "SolverState" | "BlobProto" | "ModelProto" | "image" | "log";

const CALLED: Readonly<Record<Content, string>> = {
  net: "is a binary net (a .caffemodel)",
  state: "is a solver state (a .solverstate)",
  mean: "is a mean image (a .binaryproto)",
  onnx: "is an ONNX model",
  side: "is the file that netrun writes beside a .solverstate",
  json: "is JSON",
  text: "is a text",
  empty: "is empty",
};

const TAKEN: Readonly<Record<Wanted, Content | undefined>> = {
  NetParameter: "net",
  SolverParameter: undefined,
  SolverState: "state",
  BlobProto: "mean",
  ModelProto: "onnx",
  image: undefined,
  log: undefined,
};

const EXPECTED: Readonly<Record<Wanted, string>> = {
  NetParameter: "a net or its weights are expected",
  SolverParameter: "a solver's prototxt is expected",
  SolverState: "a .solverstate is expected",
  BlobProto: "a mean image (a .binaryproto) is expected",
  ModelProto: "an ONNX model is expected",
  image: "an image is expected",
  log: "a log of a training is expected",
};

/** Command or tool for such a file. */
const NOTES: Readonly<Partial<Record<`${Content} ${Wanted}`, string>>> = {
  "state NetParameter": "the .caffemodel beside it has the weights; train --snapshot resumes from a .solverstate",
  "side NetParameter": "the .caffemodel beside it has the weights; train --snapshot resumes from a .solverstate",
  "onnx NetParameter": "netrun import-weights converts a converted model and its prototxt to a .caffemodel",
  "text NetParameter": "a prototxt has no weights: they are in a .caffemodel",
  "net SolverParameter": "netrun train SOLVER --weights FILE starts from a .caffemodel",
  "state SolverParameter": "netrun train SOLVER --snapshot FILE resumes from a .solverstate",
  "net SolverState": "netrun train --weights FILE starts from a .caffemodel, without iteration and history",
  "side SolverState": "name the .solverstate: this file is read with it",
};

/** First bytes of files that are often given in place of Caffe's. */
const MAGIC: readonly (readonly [start: string, what: string])[] = [
  ["ARROW1", "an Arrow file: data, for --data"],
  ["PAR1", "a Parquet file: data, for --data"],
  ["\x89HDF", "an HDF5 file"],
  ["\x93NUMPY", "a NumPy array (.npy)"],
  ["BM", "a BMP image"],
  ["RIFF", "a WebP image, a sound or a film"],
  ["II*\0", "a TIFF image"],
  ["MM\0*", "a TIFF image"],
  ["\x89PNG", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["GIF8", "a GIF image"],
  ["%PDF", "a PDF"],
  ["\x1f\x8b", "compressed by gzip: unpack it first"],
  ["PK\x03\x04", "a ZIP archive (.npz, .pth): unpack it, or export the model as what Caffe reads"],
  ["\x80\x02", "a Python pickle, such as a PyTorch model"],
];

/** Kind of a foreign file by its first bytes, "a PNG image"; undefined where they do not tell. */
function foreignOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 9)).toString("latin1");
  // The length of the header comes first.
  if (start[7] === "\0" && start[8] === "{") return "a safetensors file";
  return MAGIC.find(([magic]) => start.startsWith(magic) && (magic.length > 2 || isBinary(bytes)))?.[1];
}

/** Throws NetrunError for a file whose first bytes say that it is of another kind altogether. */
export function refuseForeign(bytes: Uint8Array, file: string): void {
  const found = foreignOf(bytes);
  if (found !== undefined)
    throw new NetrunError(`is ${found}`, {
      file,
      notes: ["expected a net, solver, weights, solver state, mean or ONNX file"],
    });
}

/** Fields of BlobProto by number and wire type; lists may be packed or not, NVIDIA's fork has 10 and 12, C3D a fifth dim. */
const BLOB: ReadonlySet<string> = new Set(
  "1 0,2 0,3 0,4 0,5 0,5 2,5 5,6 2,6 5,7 2,8 2,8 1,9 2,9 1,10 0,12 2".split(","),
);

/** Kind of a file by its content; undefined where it does not tell. */
export function contentOf(bytes: Uint8Array): Content | undefined {
  if (bytes.length === 0) return "empty";
  if (!isBinary(bytes)) return jsonOf(bytes) ?? "text";
  return contentOfFields(topFields(bytes));
}

/** Kind of a binary file by the numbers and wire types of its fields, "100 2"; undefined where they do not tell. */
export function contentOfFields(fields: ReadonlySet<string>): Content | undefined {
  const some = (...tags: readonly string[]) => tags.some((tag) => fields.has(tag));
  if (some("1 0")) {
    // SolverState's iter and ONNX's ir_version; a graph is field 7, opsets are field 8.
    if (some("7 2") && some("8 2")) return "onnx";
    if (some("2 2", "3 2") && !some("5 2", "5 5", "7 2", "8 2")) return "state";
  }
  if (some("100 2")) return "net";
  // A V0 or V1 net, or a binary SolverParameter, whose base_lr is a float.
  if (some("1 2", "2 2", "3 2")) return some("5 5") ? undefined : "net";
  // BlobProto's data, shape and double_data (C3D's data), and nothing but its fields.
  return (some("5 2", "5 5", "7 2", "8 2") || (some("5 0") && some("6 2"))) && [...fields].every((tag) => BLOB.has(tag))
    ? "mean"
    : undefined;
}

/** Kind of a text in JSON by its beginning; undefined for other texts. */
function jsonOf(bytes: Uint8Array): "side" | "json" | undefined {
  const start = Buffer.from(bytes.subarray(0, 64)).toString("latin1").trimStart();
  if (/^\{\s*"iteration":\d+,"seed":/.test(start)) return "side";
  return /^(\{\s*("|\}|$)|\[)/.test(start) ? "json" : undefined;
}

/** Texts of netrun's own and of programs that are often given in place of a prototxt, by their first line. */
const TEXTS: readonly (readonly [start: RegExp, what: string, note: string])[] = [
  [/^\{"seconds":/, "is a log of --log-json", "netrun plot FILE -o plot.svg draws it"],
  [/^seconds,iteration,phase,/, "is a log of --log-csv", "netrun plot FILE -o plot.svg draws it"],
  [
    /^[^\n]*\.(jpe?g|png|bmp|gif|tiff?|webp|h5|hdf5)([ \t]+-?\d+)?[ \t]*\r?(\n|$)/i,
    "is a list of files",
    "--data FILE reads it",
  ],
];

/** Kind of a file, as "is a PNG image"; undefined where its content does not tell, and for a text. */
export function nameOfContent(bytes: Uint8Array): string | undefined {
  const foreign = foreignOf(bytes);
  if (foreign !== undefined) return `is ${foreign}`;
  const content = contentOf(bytes);
  return content === undefined || content === "text" ? undefined : CALLED[content];
}

/** Throws NetrunError, with what was probably meant, if a file is of another kind than its reader takes. */
export function refuseOther(wanted: Wanted, bytes: Uint8Array, file?: string): void {
  if (/\.netrunreplicas$/i.test(file ?? "")) throw other(CALLED.side, wanted, file, NOTES[`side ${wanted}`]);
  const foreign = foreignOf(bytes);
  if (foreign !== undefined && !(wanted === "image" && foreign.includes("image")))
    throw other(`is ${foreign}`, wanted, file);
  refuseText(wanted, bytes, file);
  const content = contentOf(bytes);
  if (content === undefined || content === TAKEN[wanted]) return;
  throw other(CALLED[content], wanted, file, NOTES[`${content} ${wanted}`]);
}

/** Throws NetrunError for a text that is known to be something else than a prototxt. */
export function refuseText(wanted: Wanted, bytes: Uint8Array, file?: string): void {
  if (bytes.length === 0) throw other(CALLED.empty, wanted, file);
  if (isBinary(bytes)) return;
  const start = Buffer.from(bytes.subarray(0, 512)).toString("latin1");
  const found = TEXTS.find(([pattern]) => pattern.test(start));
  if (found) throw other(found[1], wanted, file, found[2].replace("FILE", file ?? "FILE"));
  const json = /\.netrunstate$/i.test(file ?? "") ? "side" : jsonOf(bytes);
  if (json) throw other(CALLED[json], wanted, file, NOTES[`${json} ${wanted}`]);
}

const other = (is: string, wanted: Wanted, file: string | undefined, note?: string): NetrunError =>
  new NetrunError(`${is}, where ${EXPECTED[wanted]}`, { file, notes: note === undefined ? [] : [note] });

function topFields(bytes: Uint8Array): ReadonlySet<string> {
  const reader = new protobuf.Reader(bytes);
  const fields = new Set<string>();
  try {
    while (reader.pos < reader.len) {
      const tag = reader.tag();
      fields.add(`${tag >>> 3} ${tag & 7}`);
      reader.skipType(tag & 7);
    }
  } catch {
    // The reader of the whole file says where it is damaged.
  }
  return fields;
}
