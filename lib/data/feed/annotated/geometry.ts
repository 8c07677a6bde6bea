import type { Box } from "../../source/boxes.js";
import type { EmitSpec, ResizeSpec } from "./spec.js";

/** Corners as parts of an image. */
export type Corners = Pick<Box, "xmin" | "ymin" | "xmax" | "ymax">;

/** The whole image. */
export const UNIT: Corners = { xmin: 0, ymin: 0, xmax: 1, ymax: 1 };

/** The area of a box; 0 where its corners are swapped. */
export const areaOf = ({ xmin, ymin, xmax, ymax }: Corners): number =>
  xmax < xmin || ymax < ymin ? 0 : (xmax - xmin) * (ymax - ymin);

/** Overlap of two boxes; an area of 0 where they do not meet. */
function shared(a: Corners, b: Corners): number {
  const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Intersection over union of two boxes. */
export function overlapOf(a: Corners, b: Corners): number {
  const both = shared(a, b);
  return both > 0 ? both / (areaOf(a) + areaOf(b) - both) : 0;
}

/** The part of box `a` that box `b` covers. */
export function coverageOf(a: Corners, b: Corners): number {
  const both = shared(a, b);
  return both > 0 ? both / areaOf(a) : 0;
}

/** A box inside the image. */
export function clipped<T extends Corners>(box: T): T {
  const bounded = (value: number) => Math.min(1, Math.max(0, value));
  const [xmin, ymin, xmax, ymax] = [box.xmin, box.ymin, box.xmax, box.ymax].map(bounded) as [
    number,
    number,
    number,
    number,
  ];
  return { ...box, xmin, ymin, xmax, ymax };
}

/** Boxes as parts of a part of the image, without those that do not meet it or that the constraint leaves out. */
export function projected(boxes: readonly Box[], part: Corners, emit: EmitSpec | undefined): Box[] {
  const [width, height] = [part.xmax - part.xmin, part.ymax - part.ymin];
  return boxes.flatMap((box) => {
    const meets = box.xmin < part.xmax && box.xmax > part.xmin && box.ymin < part.ymax && box.ymax > part.ymin;
    if (!meets || !isEmitted(box, part, emit)) return [];
    const inside = clipped({
      ...box,
      xmin: (box.xmin - part.xmin) / width,
      ymin: (box.ymin - part.ymin) / height,
      xmax: (box.xmax - part.xmin) / width,
      ymax: (box.ymax - part.ymin) / height,
    });
    return areaOf(inside) > 0 ? [inside] : [];
  });
}

function isEmitted(box: Box, part: Corners, emit: EmitSpec | undefined): boolean {
  if (!emit) return true;
  if (emit.by === "coverage") return coverageOf(box, part) > emit.above;
  const [x, y] = [(box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2];
  return x >= part.xmin && x <= part.xmax && y >= part.ymin && y <= part.ymax;
}

/** Boxes as parts of the image after it was resized; they move only where the rest is filled. */
export function resizedBoxes(boxes: readonly Box[], { height, width, fit }: ResizeSpec, from: Size): Box[] {
  if (fit !== "inside") return boxes.map(clipped);
  const aspect = from.width / from.height;
  const isWide = aspect > width / height;
  // The part of the new image's side that the old image takes.
  const share = isWide ? width / aspect / height : (height * aspect) / width;
  const moved = (value: number) => (1 - share) / 2 + share * Math.min(1, Math.max(0, value));
  return boxes.map((box) =>
    isWide
      ? clipped({ ...box, ymin: moved(box.ymin), ymax: moved(box.ymax) })
      : clipped({ ...box, xmin: moved(box.xmin), xmax: moved(box.xmax) }),
  );
}

/** Boxes as parts of another size; they are not clipped. */
export const scaledBoxes = (boxes: readonly Box[], y: number, x: number): Box[] =>
  boxes.map((box) => ({ ...box, xmin: box.xmin * x, ymin: box.ymin * y, xmax: box.xmax * x, ymax: box.ymax * y }));

/** Pixels of an image. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Boxes of the mirror image. */
export const mirroredBoxes = (boxes: readonly Box[]): Box[] =>
  boxes.map((box) => ({ ...box, xmin: 1 - box.xmax, xmax: 1 - box.xmin }));
