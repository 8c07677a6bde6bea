import type { DeviceTensor } from "../../onnx/resident.js";

/** Tensors on a GPU by name, which iterations replace: an iteration that fails is undone. */
export class DeviceTensors implements Disposable {
  readonly #tensors: Map<string, DeviceTensor>;
  /** Tensors from before the iteration, of those that it replaced; undefined where there was none. */
  readonly #before = new Map<string, DeviceTensor | undefined>();

  constructor(tensors: Readonly<Record<string, DeviceTensor>>) {
    this.#tensors = new Map(Object.entries(tensors));
  }

  /** All that there are, by name. */
  get all(): Readonly<Record<string, DeviceTensor>> {
    return Object.fromEntries(this.#tensors);
  }

  /** Those of some names, as far as they are there. */
  of(names: Iterable<string>): Record<string, DeviceTensor> {
    return Object.fromEntries(
      [...names].flatMap((name) => (this.#tensors.has(name) ? [[name, this.#tensors.get(name)!]] : [])),
    );
  }

  /** Puts a tensor in the place of the one of that name. */
  replace(name: string, tensor: DeviceTensor): void {
    const old = this.#tensors.get(name);
    if (this.#before.has(name)) old?.[Symbol.dispose]();
    else this.#before.set(name, old);
    this.#tensors.set(name, tensor);
  }

  /** The iteration is done: what it replaced goes. */
  keep(): void {
    for (const old of this.#before.values()) old?.[Symbol.dispose]();
    this.#before.clear();
  }

  /** The iteration has failed: what it replaced comes back. */
  undo(): void {
    for (const [name, old] of this.#before) {
      this.#tensors.get(name)?.[Symbol.dispose]();
      if (old) this.#tensors.set(name, old);
      else this.#tensors.delete(name);
    }
    this.#before.clear();
  }

  [Symbol.dispose](): void {
    this.keep();
    for (const tensor of this.#tensors.values()) tensor[Symbol.dispose]();
    this.#tensors.clear();
  }
}

/** Gives tensors back. */
export function disposeAll(tensors: Iterable<DeviceTensor>): void {
  for (const tensor of tensors) tensor[Symbol.dispose]();
}
