import type { Tensors } from "../data/tensor.js";
import { NetrunError, nearest } from "../error.js";
import { count, type Value } from "../graph/index.js";
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
