import protobuf from "protobufjs/light.js";
import { NetrunError } from "../error.js";
import { isBinary } from "./files.js";

/** What the content of a file shows that it is. */
export type Content = "net" | "state" | "mean" | "onnx" | "side" | "text" | "empty";

/** What the readers of binary files take. */
type Wanted = "NetParameter" | "SolverParameter" | "SolverState";

const CALLED: Readonly<Record<Content, string>> = {
  net: "is a binary net (a .caffemodel)",
  state: "is a solver state (a .solverstate)",
  mean: "is a mean image (a .binaryproto)",
  onnx: "is an ONNX model",
  side: "is what netrun keeps beside a .solverstate",
  text: "is a text",
  empty: "is empty",
};

const TAKEN = { NetParameter: "net", SolverParameter: undefined, SolverState: "state" } as const;

const EXPECTED: Readonly<Record<Wanted, string>> = {
  NetParameter: "a net or its weights are expected",
  SolverParameter: "a solver's prototxt is expected",
  SolverState: "a .solverstate is expected",
};

/** Where to go with a file instead. */
const NOTES: Readonly<Partial<Record<`${Content} ${Wanted}`, string>>> = {
  "state NetParameter": "the .caffemodel beside it has the weights; train --snapshot resumes from a .solverstate",
  "side NetParameter": "the .caffemodel beside it has the weights; train --snapshot resumes from a .solverstate",
  "onnx NetParameter": "netrun import-weights makes a .caffemodel from a converted model and its prototxt",
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
  ["\x89PNG", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["GIF8", "a GIF image"],
  ["%PDF", "a PDF"],
  ["\x1f\x8b", "compressed by gzip: unpack it first"],
  ["PK\x03\x04", "a ZIP archive (.npz, .pth): unpack it, or export the model as what Caffe reads"],
  ["\x80\x02", "a Python pickle, such as a PyTorch model"],
];

/** Throws NetrunError for a file whose first bytes say that it is of another kind altogether. */
export function refuseForeign(bytes: Uint8Array, file: string): void {
  const start = Buffer.from(bytes.subarray(0, 8)).toString("latin1");
  const found = MAGIC.find(([magic]) => start.startsWith(magic));
  if (found)
    throw new NetrunError(`is ${found[1]}`, {
      file,
      notes: ["expected a net, solver, weights, solver state, mean or ONNX file"],
    });
}

/** Fields of BlobProto by number and wire type; lists may be packed or not, and NVIDIA's fork has 10 and 12. */
const BLOB: ReadonlySet<string> = new Set("1 0,2 0,3 0,4 0,5 2,5 5,6 2,6 5,7 2,8 2,8 1,9 2,9 1,10 0,12 2".split(","));

/** What a file is by its content: a binary one by the numbers and wire types of its fields; undefined where they do not tell. */
export function contentOf(bytes: Uint8Array): Content | undefined {
  if (bytes.length === 0) return "empty";
  if (!isBinary(bytes)) return bytes[0] === 0x7b && bytes[1] === 0x22 ? "side" : "text";
  const fields = topFields(bytes);
  const some = (...tags: readonly string[]) => tags.some((tag) => fields.has(tag));
  if (some("1 0")) {
    // SolverState's iter and ONNX's ir_version; a graph is field 7, opsets are field 8.
    if (some("7 2") && some("8 2")) return "onnx";
    if (some("2 2", "3 2") && !some("5 2", "5 5", "7 2", "8 2")) return "state";
  }
  if (some("100 2")) return "net";
  // A V0 or V1 net, or a binary SolverParameter, whose base_lr is a float.
  if (some("1 2", "2 2", "3 2")) return some("5 5") ? undefined : "net";
  // BlobProto's data, shape and double_data, and nothing but its fields.
  return some("5 2", "5 5", "7 2", "8 2") && [...fields].every((tag) => BLOB.has(tag)) ? "mean" : undefined;
}

/** Throws NetrunError, with what was probably meant, if a file is of another kind than its reader takes. */
export function refuseOther(wanted: Wanted, bytes: Uint8Array, file?: string): void {
  const content = contentOf(bytes);
  if (content === undefined || content === TAKEN[wanted]) return;
  const note = NOTES[`${content} ${wanted}`];
  throw new NetrunError(`${CALLED[content]}, where ${EXPECTED[wanted]}`, { file, notes: note ? [note] : [] });
}

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
