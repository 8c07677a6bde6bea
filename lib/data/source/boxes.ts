/** A box of the ground truth: its class, its number among those of its class, corners as parts of the image. */
export interface Box {
  readonly label: number;
  readonly instance: number;
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
  /** Hard to see: scores and losses may leave it out. */
  readonly difficult: boolean;
}

/** The field with the boxes of an image, in sources that have them: bytes that `packBoxes` makes. */
export const BOXES = "boxes";

/** Float32 numbers of a packed box: label, instance, corners, difficult. */
const NUMBERS = 7;

/** Boxes as bytes: seven little-endian float32 numbers each. */
export function packBoxes(boxes: readonly Box[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(boxes.length * NUMBERS * 4));
  boxes.forEach(({ label, instance, xmin, ymin, xmax, ymax, difficult }, i) => {
    [label, instance, xmin, ymin, xmax, ymax, Number(difficult)].forEach((value, k) => {
      view.setFloat32(4 * (NUMBERS * i + k), value, true);
    });
  });
  return new Uint8Array(view.buffer);
}

/** The boxes in bytes; undefined where these are not packed boxes. */
export function unpackBoxes(bytes: Uint8Array): Box[] | undefined {
  if (bytes.length % (4 * NUMBERS) !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 / NUMBERS }, (_, i) => {
    const [label, instance, xmin, ymin, xmax, ymax, difficult] = Array.from({ length: NUMBERS }, (_each, k) =>
      view.getFloat32(4 * (NUMBERS * i + k), true),
    ) as [number, number, number, number, number, number, number];
    return { label, instance, xmin, ymin, xmax, ymax, difficult: difficult !== 0 };
  });
}
