import type { Tensors } from "../data/tensor.js";
import { NetrunError, nearest } from "../error.js";
import { count, sameShape, type Value } from "../graph/index.js";
import { shown } from "../options/number.js";
import type { Arrays } from "./compiled-net.js";
import type { Shapes } from "./program.js";

/** The values and shapes of a net's inputs. */
export interface NetInputs {
  readonly data: Arrays;
  readonly shapes: Shapes;
}

/**
 * The inputs of a net among tensors. Throws NetrunError for an input without a tensor, for what is no tensor, and for one whose
 * values do not fill its shape.
 */
export function inputsOf(inputs: ReadonlyMap<string, Value>, tensors: Tensors): NetInputs {
  const data: Record<string, Float32Array> = {};
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { type }] of inputs) {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (!tensor) {
      throw new NetrunError(`input "${name}" [${type.shape}] is missing`, {
        notes: ["feed it: a batch in the API, --data PATH on the command line, or a data layer in the prototxt"],
      });
    }
    checkTensor(`input "${name}"`, tensor);
    if (tensor.data.length !== count(tensor.shape)) {
      throw new NetrunError(
        `input "${name}" has ${tensor.data.length} values, which do not fill its shape [${tensor.shape}]`,
      );
    }
    data[name] = tensor.data;
    shapes.set(name, tensor.shape);
  }
  return { data, shapes };
}

/** Throws NetrunError for what a program without types may give in place of a tensor; `what` names it. */
export function checkTensor(what: string, tensor: unknown): void {
  const { shape, data } = (tensor ?? {}) as { readonly shape?: unknown; readonly data?: unknown };
  if (!(data instanceof Float32Array)) throw new NetrunError(`${what}: its data is no Float32Array`);
  const isDim = (dim: unknown) => Number.isSafeInteger(dim) && (dim as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isDim))
    throw new NetrunError(`${what}: its shape is ${JSON.stringify(shape) ?? "missing"}, not a list of whole numbers`);
}

/**
 * Gradients of tops by blob name, as backward starts from them. Throws NetrunError for what is no tensor, and for one that is not of
 * its blob's shape.
 */
export function topGradients(tops: Tensors, shapes: Shapes): Arrays {
  if (typeof tops !== "object" || tops === null)
    throw new NetrunError("gradients of tops are tensors by the names of blobs");
  const seeds: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries(tops)) {
    checkTensor(`the gradient of "${name}"`, tensor);
    const { shape, data } = tensor;
    const own = shapes.get(name)!;
    if (!sameShape(own, shape) || data.length !== count(own)) {
      throw new NetrunError(`the gradient of "${name}" is [${shape}] with ${data.length} values, the blob is [${own}]`);
    }
    seeds[name] = data;
  }
  return seeds;
}

/** Throws NetrunError for a tensor that is given by hand and is no input of the net. */
export function checkGiven(inputs: ReadonlyMap<string, Value>, tensors: Tensors): void {
  if (typeof tensors !== "object" || tensors === null) {
    throw new NetrunError(`the inputs are ${shown(tensors)}, where tensors by blob name are expected`);
  }
  for (const name of Object.keys(tensors)) {
    if (!inputs.has(name)) throw unknownBlob(`the net has no input "${name}"`, name, inputs.keys());
  }
}

/** The error for a name that is no blob's: the nearest one, or all that there are. */
export function unknownBlob(message: string, name: string, known: Iterable<string>): NetrunError {
  const names = [...known];
  const near = nearest(name, names);
  return new NetrunError(message, { notes: [near ? `did you mean "${near}"?` : `there are: ${names.join(", ")}`] });
}
