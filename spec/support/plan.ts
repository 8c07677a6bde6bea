import { join } from "node:path";
import { filterNet } from "../../lib/caffe/filter.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create, encode } from "../../lib/caffe/message.js";
import { Phase as PhaseNumber } from "../../lib/caffe/messages.js";
import { sourceFeedSpec } from "../../lib/data/feed/feed.js";
import { writeArrow } from "../../lib/data/source/arrow/write.js";
import { recordBatch } from "../../lib/data/source/columns.js";
import type { PhaseName } from "../../lib/layers/index.js";
import { layoutOf } from "../../lib/net/layout.js";
import { lower } from "../../lib/net/lower.js";
import type { NetPlan, SolverPlan, TrainingPlan } from "../../lib/run/plan.js";
import { createWeights } from "../../lib/run/weights.js";
import { prng } from "./prng.js";

const FEATURES = 6;
const CLASSES = 3;

/** Row `i` of a data set in which each class has its own corner: features, then the label. */
export function row(i: number): { readonly x: readonly number[]; readonly label: number } {
  const draw = prng(i + 1);
  const label = Math.floor(draw() * CLASSES);
  const x = Array.from({ length: FEATURES }, (_, j) => (j % CLASSES === label ? 1 : 0) + (draw() - 0.5));
  return { x, label };
}

/** Writes rows, by their numbers, to an Arrow file; its path. */
export async function writeRows(folder: string, name: string, numbers: readonly number[]): Promise<string> {
  const rows = numbers.map(row);
  const data = { dtype: "float32", shape: [FEATURES], values: Float32Array.from(rows.flatMap(({ x }) => x)) } as const;
  const label = { dtype: "int32", shape: [], values: Int32Array.from(rows, (each) => each.label) } as const;
  const path = join(folder, name);
  await writeArrow(path, [recordBatch({ data, label }, rows.length)]);
  return path;
}

/** A net of two inner products; `extra` layers stand between them, on the blob "hidden". */
export const netText = (batch: number, extra = ""): string => `
  layer { name: "in" type: "Input" top: "data" top: "label"
    input_param { shape { dim: ${batch} dim: ${FEATURES} } shape { dim: ${batch} } } }
  layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "hidden"
    inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
  ${extra}
  layer { name: "relu" type: "ReLU" bottom: "hidden" top: "hidden" }
  layer { name: "ip2" type: "InnerProduct" bottom: "hidden" top: "score"
    inner_product_param { num_output: ${CLASSES} weight_filler { type: "xavier" } } }
  layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy" include { phase: TEST } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }`;

/** Parts of a plan. */
export interface PlanParts {
  /** The Arrow files of the training and the test data. */
  readonly train: string;
  readonly test?: string;
  readonly batch: number;
  readonly extra?: string;
  readonly solver?: Partial<SolverPlan>;
}

/** A plan for that net. */
export function makePlan({ train, test = train, batch, extra, solver }: PlanParts): TrainingPlan {
  const netPlan = (phase: PhaseName, path: string): NetPlan => {
    const { message } = loadNet(netText(batch, extra), { name: "net" });
    const feed = sourceFeedSpec({ kind: "arrow", path }, ["data", "label"], batch, { phase, seed: 1 });
    return {
      net: encode(filterNet(message, create("NetState", { phase: PhaseNumber[phase] }))),
      phase,
      feeds: [feed],
      shapes: {},
      extras: {},
      caffeQuirks: false,
      sources: new Map(),
    };
  };
  return {
    train: netPlan("TRAIN", train),
    tests: [netPlan("TEST", test)],
    solver: {
      rule: "SGD",
      settings: { momentum: 0.9, momentum2: 0.999, rms_decay: 0.99, delta: 1e-8 },
      regularization: "L2",
      weightDecay: 0.0005,
      clipGradients: -1,
      iterSize: 1,
      debugInfo: false,
      seed: 7,
      ...solver,
    },
    session: { threads: 1 },
    plugins: [],
  };
}

/** The weights that training of that plan starts from. */
export function startOf({ solver }: TrainingPlan, batch: number, extra = ""): Float32Array {
  const { message } = loadNet(netText(batch, extra), { name: "net" });
  const net = filterNet(message, create("NetState", { phase: PhaseNumber.TRAIN }));
  return createWeights(layoutOf(lower(net.layer, { phase: "TRAIN" })), solver.seed).data;
}
