import { type Random, random as randomStream } from "../../../random.js";
import type { Box } from "../boxes.js";

/** Width and height of an image in pixels. */
export const SHAPES_SIZE = 64;

/** Shapes drawn, by label; 0 is the background. */
export const SHAPE_NAMES = ["background", "ellipse", "rectangle", "triangle"] as const;

const MOST_SHAPES = 3;
/** Sides of a shape in pixels. */
const LEAST_SIDE = 13;
const GREATEST_SIDE = 36;
/** Places that are tried for a shape which may not lie on another one. */
const TRIES = 20;
/** The share of a shape that another one may cover. */
const MOST_COVERED = 0.1;
/** Points in each pixel, along each side, that edges are smoothed by. */
const POINTS = 2;

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An image [3, 64, 64] of bytes and the boxes of the shapes on it. */
export interface ShapesImage {
  readonly pixels: Uint8Array;
  readonly boxes: readonly Box[];
}

/**
 * The image `index` of the endless series `seed`: one to three filled shapes of any colour on noise. Uses only operations that
 * IEEE 754 rounds exactly, so that every machine draws the same bytes.
 */
export function drawShapes(seed: number, index: number): ShapesImage {
  const stream = randomStream(seed, index);
  const image = noise(stream);
  const boxes: Box[] = [];
  const placed: Rectangle[] = [];
  const counts = SHAPE_NAMES.map(() => 0);
  const wanted = 1 + stream.integer(MOST_SHAPES);
  for (let tries = 0; tries < TRIES && placed.length < wanted; tries++) {
    const side = () => LEAST_SIDE + stream.integer(GREATEST_SIDE - LEAST_SIDE + 1);
    const [width, height] = [side(), side()];
    // Not a line: sides differ by no more than twice.
    if (width > 2 * height || height > 2 * width) continue;
    const place = {
      x: stream.integer(SHAPES_SIZE - width + 1),
      y: stream.integer(SHAPES_SIZE - height + 1),
      width,
      height,
    };
    if (placed.some((other) => covers(other, place) || covers(place, other))) continue;
    const label = 1 + stream.integer(SHAPE_NAMES.length - 1);
    fill(image, place, label, stream);
    placed.push(place);
    boxes.push({
      label,
      instance: counts[label]!++,
      xmin: place.x / SHAPES_SIZE,
      ymin: place.y / SHAPES_SIZE,
      xmax: (place.x + width) / SHAPES_SIZE,
      ymax: (place.y + height) / SHAPES_SIZE,
      difficult: false,
    });
  }
  return { pixels: image, boxes };
}

function covers(a: Rectangle, b: Rectangle): boolean {
  const shared = (from: number, length: number, other: number, otherLength: number) =>
    Math.max(0, Math.min(from + length, other + otherLength) - Math.max(from, other));
  const area = shared(a.x, a.width, b.x, b.width) * shared(a.y, a.height, b.y, b.height);
  return area > MOST_COVERED * b.width * b.height;
}

/** Grey noise around one level, that of each pixel by itself. */
function noise(stream: Random): Uint8Array {
  const level = 64 + stream.integer(128);
  const spread = 20 + stream.integer(60);
  return Uint8Array.from({ length: 3 * SHAPES_SIZE * SHAPES_SIZE }, () =>
    bounded(level + stream.integer(spread) - spread / 2),
  );
}

const bounded = (value: number) => Math.max(0, Math.min(255, Math.floor(value)));

/** A colour that differs from the background, whose level is about the middle. */
function fill(image: Uint8Array, place: Rectangle, label: number, stream: Random): void {
  const colour = [0, 1, 2].map(() => (stream.integer(2) === 0 ? stream.integer(60) : 196 + stream.integer(60)));
  const area = SHAPES_SIZE * SHAPES_SIZE;
  for (let y = place.y; y < place.y + place.height; y++)
    for (let x = place.x; x < place.x + place.width; x++) {
      const share = coverage(place, label, x, y);
      if (share === 0) continue;
      const grain = stream.integer(24) - 12;
      colour.forEach((value, c) => {
        const at = c * area + y * SHAPES_SIZE + x;
        image[at] = bounded(image[at]! * (1 - share) + (value + grain) * share);
      });
    }
}

/** The share of a pixel that a shape covers. */
function coverage({ x, y, width, height }: Rectangle, label: number, column: number, row: number): number {
  let inside = 0;
  for (let i = 0; i < POINTS; i++)
    for (let j = 0; j < POINTS; j++) {
      // From -1 to 1 across the shape's box.
      const u = (2 * (column + (j + 0.5) / POINTS - x)) / width - 1;
      const v = (2 * (row + (i + 0.5) / POINTS - y)) / height - 1;
      const isInside = label === 1 ? u * u + v * v <= 1 : label === 2 || 2 * Math.abs(u) <= 1 + v;
      if (isInside) inside++;
    }
  return inside / (POINTS * POINTS);
}
