import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { checkAlloc } from "../budget.js";
import { NetrunError } from "../error.js";
import { Isolated } from "../isolated.js";
import { memoryFolder, newScratchFolder } from "../scratch.js";

/** A group: groups and datasets by name. */
export interface Hdf5Group {
  readonly kind: "group";
  readonly children: ReadonlyMap<string, Hdf5Entry>;
}

/** A dataset without its values. */
export interface Hdf5Dataset {
  readonly kind: "dataset";
  /** Its path in the file. */
  readonly name: string;
  readonly shape: readonly number[] | undefined;
  /** HDF5's class: 0 integers, 1 floats, 3 strings, ... */
  readonly type: number;
  /** Bytes of an element. */
  readonly size: number;
  /** Elements. */
  readonly count: number;
  readonly chunks: readonly number[] | undefined;
  /** True if chunks go through filters, such as compression. */
  readonly isPacked: boolean;
}

/** Content of a group; links to other files among the others. */
export type Hdf5Entry = Hdf5Group | Hdf5Dataset | { readonly kind: "other" };

/** The part of a dataset from [i][0] to before [i][1] in each axis i. */
export type Ranges = readonly (readonly [number, number])[];

/** A part of a dataset. */
export interface Hdf5Part {
  readonly name: string;
  readonly ranges: Ranges;
}

/** Values as the child process gives them: as they are, or how many there are in the shared file, from `place` on and after those before them. */
export type Hdf5Values = Float32Array | number;

/** Request to the child process for the file at `path`. */
export type Hdf5Request = { readonly path: string } & (
  | { readonly op: "tree"; readonly depth: number }
  | { readonly op: "read"; readonly sets: readonly Hdf5Part[]; readonly shared: string; readonly place: number }
  | { readonly op: "value"; readonly name: string }
);

/** Filters pack at most this much (deflate 1032 times). */
const MAX_COMPRESSION = 1100;

/** Values that are fetched at a time. */
const PIECE = 2 ** 20;

/**
 * Reads HDF5 files in a process of its own: over damaged ones the library may abort, loop without end, or be left unable to read
 * anything. What a file declares is checked against its size and the limits before it is read.
 */
export class Hdf5Reader implements AsyncDisposable {
  readonly #isolated: Isolated;
  /** Values come through a file in memory: a pipe would copy them several times. */
  readonly #folder = newScratchFolder("hdf", memoryFolder());
  readonly #shared = join(this.#folder, "values");
  #fd: number | undefined;

  constructor(path: string) {
    this.#isolated = new Isolated(new URL("./hdf5-child.js", import.meta.url), [], {
      file: path,
      what: "the HDF5 file cannot be read",
    });
  }

  /** Content of a file, `depth` levels of groups deep. Throws NetrunError if it is missing or damaged. */
  async tree(path: string, depth = Infinity): Promise<Hdf5Group> {
    if (!existsSync(path)) throw new NetrunError("no such file", { file: path });
    return (await this.#ask({ op: "tree", path, depth })) as Hdf5Group;
  }

  /** Parts of datasets as float32. Throws NetrunError if they cannot be read, or not in time. */
  read(path: string, sets: readonly Hdf5Part[]): Promise<readonly Float32Array[]> {
    const targets = sets.map(({ ranges }) => new Float32Array(sizeOf(ranges)));
    return this.#fetch(path, sets, 0)(targets);
  }

  /** All values of a dataset as float32; the caller has checked what it declares. */
  async readAll(path: string, { name, shape = [], chunks }: Hdf5Dataset): Promise<Float32Array> {
    const data = new Float32Array(product(shape));
    const most = Math.max(PIECE, product(chunks ?? []));
    let at = 0;
    let before: (() => Promise<unknown>) | undefined;
    let place = 0;
    for (const ranges of pieces(shape, most, chunks)) {
      const fetched = this.#fetch(path, [{ name, ranges }], place);
      const target = data.subarray(at, at + sizeOf(ranges));
      // A piece is taken from its half of the shared file while the next one is put into the other.
      await before?.();
      before = () => fetched([target]);
      at += target.length;
      place = place === 0 ? most * data.BYTES_PER_ELEMENT : 0;
    }
    await before?.();
    return data;
  }

  /** The number or text of a dataset of one element; undefined where it is something else. */
  async value(path: string, { name }: Hdf5Dataset): Promise<number | bigint | string | undefined> {
    return (await this.#ask({ op: "value", path, name })) as number | bigint | string | undefined;
  }

  #ask(request: Hdf5Request): Promise<unknown> {
    return this.#isolated.ask(request, request.path);
  }

  /** Asks for parts of datasets, which are put into the shared file at `place` bytes; what it gives takes them from there into arrays. */
  #fetch(path: string, sets: readonly Hdf5Part[], place: number) {
    const asked = this.#ask({ op: "read", path, sets, shared: this.#shared, place });
    // Whoever takes the values is told.
    asked.catch(() => {});
    return async (targets: readonly Float32Array[]): Promise<readonly Float32Array[]> => {
      const values = (await asked) as readonly Hdf5Values[];
      let at = place;
      for (const [i, target] of targets.entries()) {
        const each = values[i];
        const length = typeof each === "number" ? each : (each?.length ?? 0);
        if (length !== target.length)
          throw new NetrunError(`dataset "${sets[i]!.name}" cannot be read`, {
            file: path,
            notes: [`${length} of ${target.length} values are there`],
          });
        if (typeof each === "number") at += this.#take(target, at);
        else target.set(each!);
      }
      return targets;
    };
  }

  /** Fills an array from the shared file; the bytes that it took. */
  #take(target: Float32Array, place: number): number {
    this.#fd ??= openSync(this.#shared, "r");
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    for (let got = 0, more = -1; got < bytes.length && more !== 0; got += more)
      more = readSync(this.#fd, bytes, got, bytes.length - got, place + got);
    return bytes.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(this.#folder, { recursive: true, force: true });
    await this.#isolated[Symbol.asyncDispose]();
  }
}

/** Elements of a part. */
const sizeOf = (ranges: Ranges): number => ranges.reduce((n, [from, to]) => n * (to - from), 1);

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/**
 * Throws NetrunError where datasets declare more than their file can hold, beyond what it may ask for, or such chunks. `isKept` says that
 * all values will be in memory at once, so that what is compressed counts as unpacked.
 */
export function checkDeclared(path: string, sets: readonly Hdf5Dataset[], isKept = false): void {
  const { size } = statSync(path);
  let beyond = -size;
  for (const { name, shape = [], size: bytes, chunks, isPacked } of sets) {
    const declared = product(shape) * bytes;
    beyond += Math.max(0, declared - (isPacked && !isKept ? (MAX_COMPRESSION - 1) * size : 0));
    checkAlloc(beyond, `${name} of [${shape}], more than the file holds,`, path);
    if (chunks) checkAlloc(product(chunks) * bytes, `a chunk of ${name} of [${chunks}]`, path);
  }
}

/** The parts of a shape, in row-major order, of up to `most` elements each; whole chunks where that is possible. */
function* pieces(shape: readonly number[], most: number, chunks: readonly number[] = []): Generator<Ranges> {
  let axis = 0;
  while (axis < shape.length - 1 && product(shape.slice(axis + 1)) > most) axis++;
  if (product(shape) === 0) return;
  if (shape.length === 0) return yield [];
  const rows = Math.max(1, Math.floor(most / product(shape.slice(axis + 1))));
  const chunk = chunks[axis] ?? 1;
  const step = rows > chunk ? rows - (rows % chunk) : rows;
  const inner = shape.slice(axis + 1).map((dim): readonly [number, number] => [0, dim]);
  const outer = shape.slice(0, axis);
  for (let i = 0; i < product(outer); i++) {
    const place: (readonly [number, number])[] = [];
    for (let left = i, k = axis - 1; k >= 0; left = Math.floor(left / outer[k]!), k--)
      place.unshift([left % outer[k]!, (left % outer[k]!) + 1]);
    for (let from = 0; from < shape[axis]!; from += step)
      yield [...place, [from, Math.min(shape[axis]!, from + step)], ...inner];
  }
}
