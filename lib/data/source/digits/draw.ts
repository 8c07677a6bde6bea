import { random as randomStream } from "../../../random.js";
import { GLYPHS, type Stroke } from "./glyphs.js";

/** Width and height of a digit in pixels. */
export const DIGIT_SIZE = 28;

type Point = readonly [x: number, y: number];

/** Variation of a writer's hand; the shares of what makes the digits hard, tuned so that LeNet errs now and then. */
const JITTER = 0.07;
const ROTATION = 0.24;
const SHEAR = 0.35;
const HEIGHT = 19;
/** Straight pieces between two points of a stroke. */
const PIECES = 6;

/**
 * The handwritten-looking digit `index` of the endless series `seed`: 28 x 28 gray bytes, white on black, and which
 * digit it is. Pen strokes through points that are moved at random, then a random affine map, pen width, blur and
 * noise. Uses only operations that IEEE 754 rounds exactly, so that every machine draws the same bytes.
 */
export function drawDigit(seed: number, index: number): { readonly pixels: Uint8Array; readonly label: number } {
  const stream = randomStream(seed, index);
  /** Uniform in [-1, 1). */
  const random = (): number => 2 * stream.uniform() - 1;
  const label = stream.integer(10);
  const styles = GLYPHS[label]!;
  const strokes = styles[stream.integer(styles.length)]!;
  const place = placement(random);
  const ink = new Float64Array(DIGIT_SIZE * DIGIT_SIZE);
  const width = 0.75 + 0.45 * (random() + 1);
  for (const stroke of strokes) {
    const moved = stroke.map(([x, y]): Point => place([x + JITTER * random(), y + JITTER * random()]));
    const pressure = 1 + 0.2 * random();
    trace(ink, curve(moved), width * pressure, 0.15 * random());
  }
  return { pixels: develop(ink, random), label };
}

/** A random map from the unit square to pixels: slant, turn, stretch, shift. */
function placement(random: () => number): (point: Point) => Point {
  // The tangent of the half angle gives sine and cosine without trigonometric functions, which differ by machine.
  const t = (ROTATION * (random() + random())) / 2;
  const cos = (1 - t * t) / (1 + t * t);
  const sin = (2 * t) / (1 + t * t);
  const shear = 0.1 + (SHEAR * (random() + random())) / 2;
  const height = HEIGHT * (1 + 0.14 * random());
  const width = height * (0.72 + 0.2 * random());
  const dx = DIGIT_SIZE / 2 + 1.6 * random();
  const dy = DIGIT_SIZE / 2 + 1.6 * random();
  return ([x, y]) => {
    const v = (y - 0.5) * height;
    const u = (x - 0.5) * width - shear * v;
    return [dx + cos * u - sin * v, dy + sin * u + cos * v];
  };
}

/** A smooth curve through the points (Catmull and Rom's), as straight pieces. */
function curve(points: Stroke): Point[] {
  const path: Point[] = [points[0]!];
  for (let i = 0; i + 1 < points.length; i++) {
    const [b, c] = [points[i]!, points[i + 1]!];
    const [a, d] = [points[i - 1] ?? b, points[i + 2] ?? c];
    for (let k = 1; k <= PIECES; k++) {
      const t = k / PIECES;
      path.push([blend(a[0], b[0], c[0], d[0], t), blend(a[1], b[1], c[1], d[1], t)]);
    }
  }
  return path;
}

function blend(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/** Draws the path with a round pen of the given width in pixels, which grows or shrinks by `taper` along the way. */
function trace(ink: Float64Array, path: readonly Point[], width: number, taper: number): void {
  for (let i = 0; i + 1 < path.length; i++) {
    const radius = width * (1 + taper * ((2 * i) / path.length - 1));
    segment(ink, path[i]!, path[i + 1]!, radius);
  }
}

function segment(ink: Float64Array, [ax, ay]: Point, [bx, by]: Point, radius: number): void {
  const reach = radius + 1;
  const left = Math.max(0, Math.floor(Math.min(ax, bx) - reach));
  const right = Math.min(DIGIT_SIZE - 1, Math.ceil(Math.max(ax, bx) + reach));
  const top = Math.max(0, Math.floor(Math.min(ay, by) - reach));
  const bottom = Math.min(DIGIT_SIZE - 1, Math.ceil(Math.max(ay, by) + reach));
  const [vx, vy] = [bx - ax, by - ay];
  const length2 = vx * vx + vy * vy;
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const [px, py] = [x + 0.5 - ax, y + 0.5 - ay];
      const t = length2 > 0 ? Math.min(1, Math.max(0, (px * vx + py * vy) / length2)) : 0;
      const [dx, dy] = [px - t * vx, py - t * vy];
      const cover = radius + 0.5 - Math.sqrt(dx * dx + dy * dy);
      const at = y * DIGIT_SIZE + x;
      if (cover > ink[at]!) ink[at] = Math.min(1, cover);
    }
}

/** Blur, contrast and noise; gives bytes. */
function develop(ink: Float64Array, random: () => number): Uint8Array {
  const blur = 0.12 * (random() + 1);
  const level = 225 + 30 * random();
  const grain = 9 * (random() + 1);
  const pixels = new Uint8Array(ink.length);
  for (let y = 0; y < DIGIT_SIZE; y++)
    for (let x = 0; x < DIGIT_SIZE; x++) {
      const at = y * DIGIT_SIZE + x;
      const around =
        (x > 0 ? ink[at - 1]! : 0) +
        (x + 1 < DIGIT_SIZE ? ink[at + 1]! : 0) +
        (y > 0 ? ink[at - DIGIT_SIZE]! : 0) +
        (y + 1 < DIGIT_SIZE ? ink[at + DIGIT_SIZE]! : 0);
      const value = level * (ink[at]! * (1 - blur) + (around * blur) / 4) + grain * (random() + random() - 0.4);
      pixels[at] = Math.max(0, Math.min(255, Math.floor(value)));
    }
  return pixels;
}
