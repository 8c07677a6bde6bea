import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer, refusal } from "../support/net.js";
import { prng } from "../support/prng.js";

const [DETECTIONS, BOXES, ITEMS, CLASSES] = [60, 24, 3, 4];

const net = (param: string) => `
  ${inputLayer("found", 1, 1, DETECTIONS, 7)} ${inputLayer("boxes", 1, 1, BOXES, 8)}
  layer { name: "eval" type: "DetectionEvaluate" bottom: "found" bottom: "boxes" top: "eval"
    detection_evaluate_param { ${param} } }`;

type Row = readonly number[];

function iou(a: Row, b: Row): number {
  const side = (i: number) => Math.max(0, Math.min(a[i + 2]!, b[i + 2]!) - Math.max(a[i]!, b[i]!));
  const area = (x: Row) => (x[2]! - x[0]!) * (x[3]! - x[1]!);
  const shared = side(0) * side(1);
  return shared > 0 ? shared / (area(a) + area(b) - shared) : 0;
}

/** Sizes of images, their resize_param, and the number of images before. */
interface Pixels {
  readonly sizes: readonly (readonly [height: number, width: number])[];
  readonly mode?: "WARP" | "FIT_LARGE_SIZE_AND_PAD" | "FIT_SMALL_SIZE";
  readonly scale?: readonly [height: number, width: number];
  count: number;
}

/** Overlap in pixels of a size, where 64 x 32 is the padded size. */
function pixelIou({ mode, scale }: Pixels, size: readonly [number, number], first: Row, second: Row): number {
  const clip = (value: number, most: number) => Math.max(0, Math.min(value, most));
  const scaled = (row: Row): Row => {
    const all = [size[1], size[0], size[1], size[0]];
    if (scale) return row.map((v, k) => clip(v * scale[k % 2 === 0 ? 1 : 0], all[k]!));
    if (mode !== "FIT_LARGE_SIZE_AND_PAD") return row.map((v, k) => clip(v, 1) * all[k]!);
    const aspect = size[1] / size[0];
    const pad = aspect > 2 ? [0, (32 - 64 / aspect) / 2 / 32] : [(64 - 32 * aspect) / 2 / 64, 0];
    const inside = row.map((v, k) => clip((v - pad[k % 2]!) / (1 - 2 * pad[k % 2]!), 1));
    const meets = row[0]! < 1 - pad[0]! && row[2]! > pad[0]! && row[1]! < 1 - pad[1]! && row[3]! > pad[1]!;
    return (meets ? inside : row.map((v) => clip(v, 1))).map((v, k) => v * all[k]!);
  };
  const [a, b] = [scaled(first), scaled(second)];
  const side = (i: number) => Math.min(a[i + 2]!, b[i + 2]!) - Math.max(a[i]!, b[i]!);
  const last = scale ? 0 : 1;
  const area = (x: Row) => (x[2]! < x[0]! || x[3]! < x[1]! ? 0 : (x[2]! - x[0]! + last) * (x[3]! - x[1]! + last));
  const shared = side(0) >= 0 && side(1) >= 0 ? (side(0) + 1) * (side(1) + 1) : 1;
  return shared / (area(a) + area(b) - shared);
}

/** Reference computation of SSD's Caffe, loop by loop; the rows of detections by their index. */
function expected(
  found: readonly Row[],
  boxes: readonly Row[],
  threshold: number,
  difficult: boolean,
  pixels?: Pixels,
): readonly Row[] {
  const items = [...new Set(found.map((row) => row[0]!))].filter((item) => item >= 0).sort((a, b) => a - b);
  const overlapOf = (item: number, a: Row, b: Row) =>
    pixels
      ? pixelIou(pixels, pixels.sizes[(pixels.count + items.indexOf(item)) % pixels.sizes.length]!, a, b)
      : iou(a, b);
  const positives = [1, 2, 3].map((label) => {
    const own = boxes.filter((row) => row[0]! >= 0 && row[1] === label && (difficult || row[7] === 0));
    return [-1, label, own.length, -1, -1];
  });
  const visited = new Set<Row>();
  const results = found.map((row): number[] => [...row.slice(0, 3), 0, 0]);
  const order = found.map((_, i) => i).sort((a, b) => found[b]![2]! - found[a]![2]! || a - b);
  for (const i of order) {
    const row = found[i]!;
    if (row[0]! < 0 || row[1]! < 0) continue;
    const own = boxes.filter((box) => box[0] === row[0] && box[1] === row[1]);
    const best = own.reduce<{ box?: Row; overlap: number }>(
      (most, box) => {
        const overlap = overlapOf(row[0]!, row.slice(3), box.slice(3, 7));
        return overlap > most.overlap ? { box, overlap } : most;
      },
      { overlap: -1 },
    );
    const result = results[i]!;
    if (!best.box || best.overlap < threshold) result[4] = 1;
    else if (!difficult && best.box[7] === 1) continue;
    else if (visited.has(best.box)) result[4] = 1;
    else {
      visited.add(best.box);
      result[3] = 1;
    }
  }
  if (pixels) pixels.count = (pixels.count + items.length) % pixels.sizes.length;
  return [...positives, ...results];
}

/** Boxes on a coarse grid and detections near them, some of no item, some of equal scores. */
function drawn() {
  const random = prng(5);
  const pick = (n: number) => Math.floor(random() * n);
  const boxes = Array.from({ length: BOXES }, (_, i): Row => {
    const [x, y] = [pick(5) / 8, pick(5) / 8];
    const row = [pick(ITEMS), 1 + pick(CLASSES - 1), 0, x, y, x + 0.25 + pick(2) / 8, y + 0.25 + pick(2) / 8, pick(2)];
    return i > BOXES - 3 ? row.map(() => -1) : row;
  });
  const found = Array.from({ length: DETECTIONS }, (_, i): Row => {
    const box = boxes[pick(BOXES - 2)]!;
    const moved = box.slice(3, 7).map((value) => value + 0.12 * (random() - 0.5));
    return i > DETECTIONS - 4 ? [-1, -1, -1, -1, -1, -1, -1] : [box[0]!, box[1]!, pick(20) / 20, ...moved];
  });
  return { found, boxes };
}

describe("DetectionEvaluate", () => {
  const folder = freshFolder();
  const { found, boxes } = drawn();
  const tensor = (rows: readonly Row[], width: number) => ({
    shape: [1, 1, rows.length, width],
    data: Float32Array.from(rows.flat()),
  });

  for (const [threshold, difficult] of [
    [0.5, true],
    [0.5, false],
    [0.7, true],
    [0, false],
  ] as const)
    it(`finds hits and misses as SSD's Caffe does, at an overlap of ${threshold}, ${difficult ? "with" : "without"} difficult boxes`, async () => {
      const param = `num_classes: ${CLASSES} overlap_threshold: ${threshold} evaluate_difficult_gt: ${difficult}`;
      await using loaded = await Net.load(net(param));
      const { eval: rows } = await loaded.forward({ found: tensor(found, 7), boxes: tensor(boxes, 8) });
      expect(rows!.shape).to.deep.equal([1, 1, CLASSES - 1 + DETECTIONS, 5]);
      const wanted = expected(found, boxes, threshold, difficult);
      expect([...rows!.data]).to.deep.equal([...Float32Array.from(wanted.flat())]);
      expect(wanted.filter((row) => row[3] === 1).length).to.be.greaterThan(5);
    });

  for (const [mode, scale] of [
    ["WARP", undefined],
    ["FIT_LARGE_SIZE_AND_PAD", undefined],
    ["FIT_SMALL_SIZE", undefined],
    ["FIT_SMALL_SIZE", [20, 24]],
  ] as const)
    it(`compares boxes in pixels of the images of name_size_file, ${mode} ${scale ?? ""}`, async () => {
      const path = join(folder(), "sizes.txt");
      const pixels: Pixels = {
        sizes: [
          [12, 7],
          [5, 30],
          [16, 16],
          [9, 20],
          [30, 8],
        ],
        mode,
        ...(scale && { scale }),
        count: 0,
      };
      writeFileSync(path, pixels.sizes.map(([height, width], i) => `image${i} ${height} ${width}\n`).join(""));
      const scales = scale ? `height_scale: ${scale[0]} width_scale: ${scale[1]}` : "";
      const resize = `resize_param { resize_mode: ${mode} height: 32 width: 64 ${scales} }`;
      await using loaded = await Net.load(
        net(`num_classes: ${CLASSES} overlap_threshold: 0.5 name_size_file: "${path}" ${resize}`),
      );
      // Batches of 3, 2 and 3 images with detections: the lines begin again.
      for (const given of [found, found.filter((row) => row[0] !== 1), found]) {
        const rows = [...given, ...Array<Row>(DETECTIONS - given.length).fill([-1, -1, -1, -1, -1, -1, -1])];
        const { eval: made } = await loaded.forward({ found: tensor(rows, 7), boxes: tensor(boxes, 8) });
        const wanted = expected(rows, boxes, 0.5, true, pixels);
        expect([...made!.data]).to.deep.equal([...Float32Array.from(wanted.flat())]);
        expect(wanted.filter((row) => row[3] === 1).length).to.be.greaterThan(3);
      }
    });

  it("says what a file of sizes lacks", async () => {
    const path = join(folder(), "bad.txt");
    writeFileSync(path, "a 3 4\nb 5\n");
    const failed = await Net.load(net(`num_classes: 4 name_size_file: "${path}"`)).catch((error: Error) => error);
    expect((failed as Error).message).to.contain('entry 2 is "b 5", not a name, a height and a width');
  });

  it("counts no boxes of the background, whichever class that is", async () => {
    await using loaded = await Net.load(net("num_classes: 4 background_label_id: 2 overlap_threshold: 0.5"));
    const { eval: rows } = await loaded.forward({ found: tensor(found, 7), boxes: tensor(boxes, 8) });
    const labels = [0, 1, 2].map((i) => rows!.data[5 * i + 1]);
    expect(labels).to.deep.equal([0, 1, 3]);
  });

  it("refuses what it does not do, where it is asked for", async () => {
    expect(refusal(net("overlap_threshold: 0.5"))).to.contain("num_classes must be given");
  });
});
