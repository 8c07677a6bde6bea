import {
  applyAll,
  type Body,
  type Constant,
  checkClosed,
  constantOf,
  input,
  int64,
  multiplyAdds,
  type Op,
  sameShape,
  type TensorType,
  topological,
  type Value,
} from "../graph/index.js";

/** A body's inputs are the iteration (int64, from 0), the carried values and the captured ones; its outputs the carried values after, and scans. */
interface LoopAttrs {
  /** Number; the most, where the loop is counted by an input. */
  readonly iterations: number;
  /** True if the loop's first input is how many iterations a run has: int64, a scalar. Scans are then of as many. */
  readonly isCounted?: boolean;
  /** Number of values an iteration hands to the next. The others of the loop's inputs are captured: the same in every iteration. */
  readonly carried: number;
  readonly body: Body;
}

const ITERATION: TensorType = { dtype: "int64", shape: [] };

const isType = (a: TensorType, b: TensorType) => a.dtype === b.dtype && sameShape(a.shape, b.shape);
const text = ({ dtype, shape }: TensorType) => `${dtype}[${shape}]`;

function check(what: string, has: TensorType | undefined, wanted: TensorType): void {
  if (!has || !isType(has, wanted))
    throw new Error(`${what} of a loop is ${has ? text(has) : "missing"}, not ${text(wanted)}`);
}

/** The count of a loop apart from its other inputs; undefined where it is known beforehand. */
const splitCount = <T>(
  isCounted: boolean,
  inputs: readonly T[],
): readonly [count: T | undefined, rest: readonly T[]] =>
  isCounted ? [inputs[0], inputs.slice(1)] : [undefined, inputs];

/**
 * A body run a number of times that is known beforehand or fed. Inputs: the count where it is fed, carried values as they start, then
 * captured ones. Outputs: carried values as they end, then scans, the body's further outputs of all iterations along a new first axis.
 * Has no gradient.
 */
export const Loop: Op<LoopAttrs> = {
  name: "Loop",
  arity: [0, Number.POSITIVE_INFINITY],
  infer: ({ iterations, isCounted = false, carried, body }, ...types) => {
    const [counter, inputs] = splitCount(isCounted, types);
    if (isCounted) check("the count", counter, ITERATION);
    if (!Number.isInteger(iterations) || iterations < 0) throw new Error(`a loop of ${iterations} iterations`);
    checkClosed(body);
    const takes = body.inputs.map(({ type }) => type);
    const gives = body.outputs.map(({ type }) => type);
    if (takes.length !== inputs.length + 1)
      throw new Error(`the body of a loop takes ${takes.length} inputs, not ${inputs.length + 1}`);
    check("the iteration", takes[0], ITERATION);
    inputs.forEach((type, i) => {
      check(`input ${i}`, takes[i + 1], type);
    });
    inputs.slice(0, carried).forEach((type, i) => {
      check(`carried value ${i}`, gives[i], type);
    });
    const scans = gives.slice(carried).map(({ dtype, shape }) => ({ dtype, shape: [iterations, ...shape] }));
    return [...inputs.slice(0, carried), ...scans];
  },
  bodies: {
    of: ({ body }) => ({ body }),
    replaced: (attrs, { body }) => ({ ...attrs, body: body! }),
  },
  onnx: ({ inputs: all, attrs: { iterations, isCounted = false, carried, body } }) => {
    const [counter, inputs] = splitCount(isCounted, all);
    // ONNX's loops can end early; these go on however often.
    const goesOn: Constant = { dtype: "bool", shape: [], data: Uint8Array.of(1) };
    const [iteration, ...leaves] = body.inputs;
    return {
      opType: "Loop",
      inputs: [counter ?? int64([iterations], []), goesOn, ...inputs.slice(0, carried)],
      attributes: {},
      bodies: {
        body: {
          inputs: [iteration!, input("goes-on", { dtype: "bool", shape: [] }), ...leaves.slice(0, carried)],
          outputs: [constantOf("bool", goesOn.data, []), ...body.outputs],
          captured: new Map(leaves.slice(carried).map((leaf, i) => [leaf, inputs[carried + i]!])),
        },
      },
    };
  },
  vjp: () => {
    throw new Error("a loop has no gradient");
  },
  multiplyAdds: ({ attrs: { iterations, body } }) =>
    iterations * topological(body.outputs).reduce((sum, node) => sum + multiplyAdds(node), 0),
};

/** Results of an iteration. */
export interface Iteration {
  readonly carried: readonly Value[];
  /** Values to keep of every iteration. */
  readonly scans?: readonly Value[];
}

/**
 * A loop whose body is built from stand-ins: `build` gets the iteration, the carried and the captured values as the body sees them, and
 * must use no other values. Carried values as they end, and scans [iterations, ...].
 */
export function loop(
  iterations: number,
  values: { readonly carried: readonly Value[]; readonly captured?: readonly Value[] },
  build: (iteration: Value, carried: readonly Value[], captured: readonly Value[]) => Iteration,
): Required<Iteration> {
  const { carried, captured = [] } = values;
  const iteration = input("iteration", ITERATION);
  const state = carried.map(({ type }, i) => input(`carried${i}`, type));
  const outside = captured.map(({ type }, i) => input(`captured${i}`, type));
  const { carried: next, scans = [] } = build(iteration, state, outside);
  if (next.length !== carried.length)
    throw new Error(`the body of a loop gives ${next.length} carried values, not ${carried.length}`);
  const body = { inputs: [iteration, ...state, ...outside], outputs: [...next, ...scans] };
  const outputs = applyAll(Loop, { iterations, carried: carried.length, body }, ...carried, ...captured);
  return { carried: outputs.slice(0, carried.length), scans: outputs.slice(carried.length) };
}
