import { type Constant, int64, type Node } from "../../graph/index.js";
import type { NodeProto } from "../schema.js";

/** A dim in each of the probes. */
type Dims = readonly number[];

/** Additions to a file for dims read at run time. */
export interface ShapeWriter {
  emit(node: NodeProto): void;
  unique(wanted: string): string;
  constant(constant: Constant): string;
}

const LAST = Number.MAX_SAFE_INTEGER;
const isFixed = (dims: Dims) => dims.every((dim) => dim === dims[0]);

/**
 * Shapes that hold for all probes: a dim that is the same in all is a number, one that differs is open. Constants that follow
 * open dims (a Reshape's shape, a Slice's end) are written so that they follow them at run time too.
 */
export class SymbolicShapes {
  readonly #names: ReadonlyMap<string, string>;
  readonly #emit: (node: NodeProto) => void;
  readonly #unique: (wanted: string) => string;
  readonly #constant: (constant: Constant) => string;
  /** Place to read an open dim: an input and an axis, by the dim's values. */
  readonly #sources = new Map<string, { readonly input: string; readonly axis: number; readonly name: string }>();
  readonly #read = new Map<string, string>();

  constructor(names: ReadonlyMap<string, string>, writer: ShapeWriter) {
    this.#names = names;
    this.#emit = writer.emit;
    this.#unique = writer.unique;
    this.#constant = writer.constant;
  }

  addInput(input: string, shapes: readonly (readonly number[])[]): void {
    shapes[0]!.forEach((_, axis) => {
      const dims = shapes.map((shape) => shape[axis]!);
      const name = this.#names.get(`${input}/${axis}`) ?? `${input}_${axis}`;
      if (!isFixed(dims) && !this.#sources.has(dims.join())) this.#sources.set(dims.join(), { input, axis, name });
    });
  }

  /** A declared dim: a number, or the name of an open dim. */
  dim(blob: string, axis: number, dims: Dims): number | string {
    if (isFixed(dims)) return dims[0]!;
    return this.#sources.get(dims.join())?.name ?? `${blob}_${axis}`;
  }

  /**
   * Replacement for a constant that differs between probes: other numbers, or the name of a value computed from the inputs'
   * shapes; undefined where there is no such thing.
   */
  resolve(
    opType: string,
    index: number,
    nodes: readonly Node[],
    constants: readonly Constant[],
  ): Constant | string | undefined {
    if (
      constants.some(
        ({ dtype, shape }) => dtype !== "int64" || shape.length !== 1 || shape[0] !== constants[0]!.shape[0],
      )
    )
      return undefined;
    const wanted = Array.from(
      { length: constants[0]!.data.length },
      (_, i): Dims => constants.map(({ data }) => Number(data[i])),
    );
    const from = nodes.map(({ inputs }) => inputs[0]!.type.shape);
    const dimsOf = (axis: number): Dims => from.map((shape) => shape[axis] ?? Number.NaN);
    const same = (a: Dims, b: Dims) => a.join() === b.join();
    if (opType === "Slice" && index === 2) {
      const axes = nodes[0]!.attrs as readonly { readonly axis: number }[];
      const ends = wanted.map((dims, i) => (isFixed(dims) ? dims[0]! : same(dims, dimsOf(axes[i]!.axis)) ? LAST : -1));
      return ends.includes(-1) ? undefined : int64(ends);
    }
    if (opType === "Reshape") {
      const dims = wanted.map((each, i) => (isFixed(each) ? each[0]! : same(each, dimsOf(i)) ? 0 : -1));
      if (dims.filter((dim) => dim === -1).length <= 1) return int64(dims);
      return this.#shape(wanted);
    }
    if (opType === "Expand") {
      const shift = wanted.length - from[0]!.length;
      // A dim that x has already needs no stretching.
      const needed = wanted.map((dims, i) => (!isFixed(dims) && same(dims, dimsOf(i - shift)) ? [1] : dims));
      return needed.every(isFixed) ? int64(needed.map(([dim]) => dim!)) : this.#shape(needed);
    }
    return this.#shape(wanted);
  }

  /** A vector of dims, read from the inputs where they are open. */
  #shape(wanted: readonly Dims[]): string | undefined {
    const parts: string[] = [];
    for (const dims of wanted) {
      if (!isFixed(dims) && !this.#sources.has(dims.join())) return undefined;
      parts.push(isFixed(dims) ? this.#constant(int64([dims[0]!])) : this.#dimOf(dims.join()));
    }
    if (parts.length === 1) return parts[0]!;
    const output = this.#unique("shape");
    this.#emit({
      name: output,
      op_type: "Concat",
      input: parts,
      output: [output],
      attribute: [{ name: "axis", type: 2, i: 0 }],
    });
    return output;
  }

  #dimOf(key: string): string {
    const { input, axis, name } = this.#sources.get(key)!;
    const shape = this.#once(`shape of ${input}`, `${input}/shape`, () => ({
      op_type: "Shape",
      input: [input],
      attribute: [],
    }));
    return this.#once(key, `${name}/dim`, () => ({
      op_type: "Gather",
      input: [shape, this.#constant(int64([axis]))],
      attribute: [{ name: "axis", type: 2, i: 0 }],
    }));
  }

  #once(key: string, wanted: string, make: () => Omit<NodeProto, "name" | "output">): string {
    const known = this.#read.get(key);
    if (known !== undefined) return known;
    const node = make();
    const output = this.#unique(wanted);
    this.#emit({ ...node, name: output, output: [output] });
    this.#read.set(key, output);
    return output;
  }
}
