/** Creates sessions on the stand-in for CUDA and runs them: `node place.js TASK`, a file with a list of `Task`. */
import { appendFileSync, readFileSync, writeSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { filterNet } from "../../lib/caffe/filter.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create } from "../../lib/caffe/message.js";
import { Phase as PhaseNumber } from "../../lib/caffe/messages.js";
import type { ByteRows } from "../../lib/data/feed/byte-rows.js";
import { layoutOf } from "../../lib/net/layout.js";
import { lower } from "../../lib/net/lower.js";
import { emit } from "../../lib/onnx/emit.js";
import { targetOf } from "../../lib/onnx/target-of.js";
import { formulated } from "../../lib/targets/index.js";
import { endsOf } from "../../lib/run/compiled-net.js";
import { roundGraph } from "../../lib/run/loop/graph.js";
import type { PhaseName } from "../../lib/layers/index.js";
import type { SolverPlan } from "../../lib/run/plan.js";

/** A model to place and run. */
export interface Task {
  readonly name: string;
  /** A net's prototxt (text), or an ONNX file (path). */
  readonly net?: string;
  readonly file?: string;
  /** Graph made of a net: a round of training, gradients alone, or a forward of its TEST phase. */
  readonly form?: "round" | "gradient" | "forward";
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Inputs that come as rows of bytes, by name. */
  readonly byteRows?: Readonly<Record<string, ByteRows>>;
  /** Sizes that the data decides, by layer. */
  readonly sizes?: Readonly<Record<string, number>>;
  readonly phase?: PhaseName;
  /** Blobs whose gradients are fed, of a net without losses. */
  readonly seeds?: readonly string[];
  readonly solver?: Partial<SolverPlan>;
  /** Iterations of each run of a round; others run once for each number. */
  readonly runs?: readonly number[];
}

const SOLVER: SolverPlan = {
  rule: "SGD",
  settings: { momentum: 0.9, momentum2: 0.999, rms_decay: 0.99, delta: 1e-8 },
  regularization: "L2",
  weightDecay: 0.0005,
  clipGradients: -1,
  iterSize: 1,
  debugInfo: false,
  seed: 1,
};

const session = { provider: "cuda", devices: [0] } as const;

async function bytesOf({ net: text, file, form = "round", shapes = {}, solver, ...task }: Task): Promise<Uint8Array> {
  if (file !== undefined) return readFileSync(file);
  const { byteRows = {}, phase = form === "forward" ? "TEST" : "TRAIN", sizes, seeds } = task;
  const { layer } = filterNet(
    loadNet(text!, { name: "net" }).message,
    create("NetState", { phase: PhaseNumber[phase] }),
  );
  const net = lower(layer, {
    phase,
    shapes: new Map(Object.entries(shapes)),
    ...(sizes && { sizes: new Map(Object.entries(sizes)) }),
  });
  const target = await targetOf(session);
  if (form === "round") {
    const spec = {
      net,
      layout: layoutOf(net),
      solver: { ...SOLVER, ...solver },
      blobs: net.outputs,
      byteRows: new Map(Object.entries(byteRows)),
      gradients: false,
      most: 8,
    };
    const round = await roundGraph(spec, target);
    return emit({ name: "round", outputs: round.outputs }, { open: round.open }).bytes;
  }
  const request = {
    blobs: net.outputs,
    ...(form === "gradient" && { gradients: "all" as const, ...(seeds && { seeds }) }),
    objective: true,
  };
  return emit({ name: form, outputs: await formulated(endsOf(net, request).outputs, target) }).bytes;
}

const ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
};

/** Tests whether an input of a round has a row for each batch or iteration. */
const isStack = (name: string) => /^(all|rate):/.test(name);

/** Zeros for all inputs; of open dims 1, of a round's as many as it has iterations. */
function feedsOf(model: InferenceSession, iterations: number, batches: number): Record<string, Tensor> {
  return Object.fromEntries(
    model.inputMetadata.map((input) => {
      if (!input.isTensor) throw new Error(`${input.name} is no tensor`);
      const { name, type, shape } = input;
      const dims = shape.map((dim) =>
        typeof dim === "number" && dim > 0
          ? dim
          : isStack(name)
            ? iterations * (name.startsWith("all:") ? batches : 1)
            : 1,
      );
      const data = new ARRAYS[type as keyof typeof ARRAYS](dims.reduce((a, b) => a * b, 1));
      if (name === "iterations") (data as BigInt64Array)[0] = BigInt(iterations);
      return [name, new Tensor(type as "float32", data as Float32Array, dims)];
    }),
  );
}

const mark = (text: string) => appendFileSync(process.env["NETRUN_CUDA_LOG"]!, `${text}\n`);

for (const task of JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Task[]) {
  writeSync(2, `\n=== ${task.name}\n`);
  mark(`=== ${task.name}`);
  try {
    // What onnxruntime logs is where it puts nodes.
    const options = {
      executionProviders: ["cuda"],
      logSeverityLevel: 0,
      logVerbosityLevel: 1,
      enableMemPattern: false,
    } as const;
    const model = await InferenceSession.create(await bytesOf(task), options);
    writeSync(2, "\n=== created\n");
    for (const iterations of task.runs ?? []) {
      const feeds = feedsOf(model, iterations, task.solver?.iterSize ?? 1);
      const bytes = Object.entries(feeds).reduce(
        (sum, [name, { data }]) => sum + (isStack(name) ? (data as Uint8Array).byteLength : 0),
        0,
      );
      mark(`=== run ${iterations} ${bytes}`);
      await model.run(feeds);
      mark("=== end");
    }
    await model.release();
  } catch (error) {
    writeSync(1, `${JSON.stringify({ name: task.name, error: (error as Error).message })}\n`);
  }
}
process.exit(0);
