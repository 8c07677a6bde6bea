import type { LayerParameter } from "../caffe/messages.js";
import { factsOf, type LayerType } from "../layers/index.js";

/** A layer that reads a blob, as its bottom `index`. */
export interface Reader {
  readonly layer: LayerParameter;
  readonly index: number;
}

/** A blob between two layers that produce it; one that changes it in place makes a new one of the same name. */
interface Version {
  readonly producer: LayerParameter;
  readonly isLoss: boolean;
  readonly readers: Reader[];
}

/** Readers of each blob, by name, as layers are added in order. */
export class Readers {
  readonly #versions = new Map<string, Version>();

  /** Notes a layer's bottom. */
  read(blob: string, layer: LayerParameter, index: number): void {
    this.#versions.get(blob)?.readers.push({ layer, index });
  }

  /** Notes a layer's top. A weight in the objective counts as a reader where the prototxt gives it, as in Caffe. */
  produce(blob: string, producer: LayerParameter, index: number): void {
    this.#versions.set(blob, { producer, isLoss: (producer.loss_weight[index] ?? 0) !== 0, readers: [] });
  }

  /**
   * Reason why a blob cannot be changed in place by a layer that reads it, where it cannot: Caffe puts a Split behind a blob with several
   * readers, whose tops have other names, so that the layer is no longer in place. Source: util/insert_splits.cpp.
   */
  whyNotInPlace(blob: string, layer: LayerParameter): string | undefined {
    const version = this.#versions.get(blob);
    if (!version) return undefined;
    if (version.readers.filter((reader) => reader.layer === layer).length > 1)
      return "it is more than one of the bottoms";
    const other = version.readers.find((reader) => reader.layer !== layer);
    if (other) return `layer "${other.layer.name}" reads it too`;
    return version.isLoss
      ? `it counts in the objective, by the loss_weight of layer "${version.producer.name}"`
      : undefined;
  }
}

/** The blobs that only layers read which skip rows of item -1. */
export function readSkipping(
  layers: readonly LayerParameter[],
  types: ReadonlyMap<string, LayerType> | undefined,
): ReadonlySet<string> {
  const skips = new Set(layers.filter((layer) => factsOf(layer, types).skipsEmptyRows));
  const read = [...new Set([...skips].flatMap(({ bottom }) => bottom))];
  const isSkipping = (name: string) =>
    layers.filter(({ bottom }) => bottom.includes(name)).every((layer) => skips.has(layer));
  return new Set(read.filter(isSkipping));
}
