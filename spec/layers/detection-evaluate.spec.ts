import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
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

/** Reference computation of SSD's Caffe, loop by loop; the rows of detections by their index. */
function expected(found: readonly Row[], boxes: readonly Row[], threshold: number, difficult: boolean): readonly Row[] {
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
        const overlap = iou(row.slice(3), box.slice(3, 7));
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

  it("counts no boxes of the background, whichever class that is", async () => {
    await using loaded = await Net.load(net("num_classes: 4 background_label_id: 2 overlap_threshold: 0.5"));
    const { eval: rows } = await loaded.forward({ found: tensor(found, 7), boxes: tensor(boxes, 8) });
    const labels = [0, 1, 2].map((i) => rows!.data[5 * i + 1]);
    expect(labels).to.deep.equal([0, 1, 3]);
  });

  it("refuses what it does not do, where it is asked for", async () => {
    expect(refusal(net("overlap_threshold: 0.5"))).to.contain("num_classes must be given");
    expect(refusal(net('num_classes: 4 name_size_file: "sizes.txt"'))).to.contain("name_size_file");
  });
});
