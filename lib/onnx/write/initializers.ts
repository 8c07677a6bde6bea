import { endianness } from "node:os";
import type { Constant, Elements } from "../../graph/index.js";
import { onnxType } from "../../ops/index.js";
import type { PartTensor } from "../parts.js";
import type { Names } from "./names.js";

/** Weights below this stay in the model's head, even where there is an external data file. */
const LARGE_BYTES = 1024;

/** Axes, pads and scalars repeat in every node; tensors of more bytes do not, and hashing them would cost more than it saves. */
const SHARED_BYTES = 256;

/** Placement of constants as initializers. */
export interface InitializerOptions {
  /** Names of weights by their elements; the same elements in another shape are another initializer. */
  readonly weightNames?: ReadonlyMap<unknown, string>;
  /** A constant's elements, computed where that was deferred. */
  readonly elements?: (data: Elements) => Elements;
}

/** An initializer that is in the file. */
interface Known {
  readonly name: string;
  readonly data: Elements;
}

/** The initializers of a file; equal small constants, and equal weights of one name and shape, share one. */
export class Initializers {
  /** Head of the model. */
  readonly small: object[] = [];
  /** Data written part by part, into the model or into a file beside it. */
  readonly large: PartTensor[] = [];
  readonly #names: Names;
  readonly #options: InitializerOptions;
  readonly #outside: Initializers | undefined;
  readonly #known = new Map<string, Known>();

  /** `names` are those of the file's values, `outside` what the graph around a body has. */
  constructor(names: Names, options: InitializerOptions, outside?: Initializers) {
    this.#names = names;
    this.#options = options;
    this.#outside = outside;
  }

  /**
   * The initializers of a body. Small ones are its own: a device keeps a pad's value or a shape on its host only where that is in
   * the same graph, and copies it in every iteration else. Large ones are those of the graph around it.
   */
  ofBody(): Initializers {
    return new Initializers(this.#names, this.#options, this);
  }

  /** The name of the initializer that is this constant; a new one is called as its weight is, or as wanted. */
  add(constant: Constant, wanted: string): string {
    const { dtype, shape, data } = constant;
    if (this.#outside && data.byteLength > SHARED_BYTES) return this.#outside.add(constant, wanted);
    const weight = this.#options.weightNames?.get(data);
    const key = weight === undefined ? smallKey(constant) : `${weight}[${shape}]`;
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known !== undefined && this.#isSame(known.data, data)) return known.name;
    const name = this.#names.unique(weight ?? wanted);
    this.#write({ name, dims: shape, data_type: onnxType[dtype] }, data);
    if (key !== undefined) this.#known.set(key, { name, data });
    return name;
  }

  /** Tests whether two constants of one key have the same elements: a layer of several products has several weights of one role. */
  #isSame(a: Elements, b: Elements): boolean {
    return a === b || Buffer.compare(this.#bytes(a), this.#bytes(b)) === 0;
  }

  /** A constant as a tensor of its own, in a node. */
  inline({ dtype, shape, data }: Constant): object {
    return { dims: shape, data_type: onnxType[dtype], raw_data: this.#bytes(data).slice() };
  }

  #bytes(data: Elements): Uint8Array {
    const { elements = (own) => own } = this.#options;
    return littleEndian(elements(data));
  }

  #write(fields: object, data: Elements): void {
    const bytes = () => this.#bytes(data);
    if (data.byteLength < LARGE_BYTES) this.small.push({ ...fields, raw_data: bytes() });
    else this.large.push({ fields, data: { length: data.byteLength, bytes } });
  }
}

function smallKey({ dtype, shape, data }: Constant): string | undefined {
  if (data.byteLength > SHARED_BYTES) return undefined;
  return `${dtype}[${shape}]${Buffer.from(littleEndian(data)).toString("latin1")}`;
}

/** Tests whether two constants have the same type and elements. */
export function equalConstants(a: Constant, b: Constant): boolean {
  if (a === b || (a.data === b.data && a.shape.join() === b.shape.join())) return true;
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join() || a.data.length !== b.data.length) return false;
  return Buffer.compare(littleEndian(a.data), littleEndian(b.data)) === 0;
}

/** The bytes of elements as ONNX's raw_data has them. */
export function littleEndian(data: Elements): Uint8Array {
  // ONNX's raw_data is little-endian; so is every machine that onnxruntime-node is built for.
  if (endianness() !== "LE") throw new Error("netrun needs a little-endian machine");
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
