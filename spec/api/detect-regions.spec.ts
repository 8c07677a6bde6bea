import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { decodedFile } from "../../lib/api/image-input.js";
import { resizeImage } from "../../lib/data/image/resize.js";
import { type Detected, detect, Net } from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { noise } from "../support/forks.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer } from "../support/net.js";

const [CLASSES, ANCHORS] = [3, 3];
const conv = (name: string, bottom: string, outputs: number, kernel = 1, stride = 1) =>
  `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: ${outputs} kernel_size: ${kernel} stride: ${stride} } }`;

/** A deploy net as py-faster-rcnn's, whose offsets are those of `boxes` classes. */
const deploy = (boxes: number) => `
  ${inputLayer("data", 1, 3, 32, 32)} ${inputLayer("im_info", 1, 3)}
  ${conv("map", "data", 4, 8, 8)} ${conv("rpn_score", "map", 2 * ANCHORS)} ${conv("rpn_bbox", "map", 4 * ANCHORS)}
  layer { name: "pairs" type: "Reshape" bottom: "rpn_score" top: "pairs" reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } } }
  layer { name: "prob" type: "Softmax" bottom: "pairs" top: "prob" }
  layer { name: "anchors" type: "Reshape" bottom: "prob" top: "anchors" reshape_param { shape { dim: 0 dim: ${2 * ANCHORS} dim: -1 dim: 0 } } }
  layer { name: "proposal" type: "Python" bottom: "anchors" bottom: "rpn_bbox" bottom: "im_info" top: "rois"
    python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "'feat_stride': 8, 'scales': [2]" } }
  layer { name: "pool" type: "ROIPooling" bottom: "map" bottom: "rois" top: "pool" roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.125 } }
  layer { name: "cls_score" type: "InnerProduct" bottom: "pool" top: "cls_score" inner_product_param { num_output: ${CLASSES} } }
  layer { name: "bbox_pred" type: "InnerProduct" bottom: "pool" top: "bbox_pred" inner_product_param { num_output: ${4 * boxes} } }
  layer { name: "cls_prob" type: "Softmax" bottom: "cls_score" top: "cls_prob" }`;

describe("detecting with nets that propose regions, against the authors' loop", () => {
  const folder = freshFolder();

  async function image(): Promise<string> {
    const path = join(folder(), "a.png");
    const pixels = Buffer.from(noise(3, [30 * 50 * 3], 0, 255).data.map(Math.floor));
    await sharp(pixels, { raw: { width: 50, height: 30, channels: 3 } })
      .png()
      .toFile(path);
    return path;
  }

  async function load(boxes: number): Promise<Net> {
    const net = await Net.load(deploy(boxes), { phase: "TEST" });
    let seed = 11;
    for (const [name, blobs] of net.params)
      for (const { shape, data } of blobs)
        data.set(noise(seed++, shape, name === "map" ? -0.01 : -0.5, name === "map" ? 0.01 : 0.5).data);
    return net;
  }

  for (const [boxes, whose] of [
    [CLASSES, "each class has offsets of its own"],
    [2, "all classes share those of the second"],
  ] as const) {
    it(whose, async () => {
      const path = await image();
      await using net = await load(boxes);
      const found: Detected[] = [];
      const options = { mean: [120, 121, 122], minScore: 0.3, shorterSide: 60, longerSide: 90, overlap: 0.4 };
      for await (const each of detect(net, [path], options)) found.push(each);

      // The longer side bounds the scale: 90 / 50.
      const scale = 1.8;
      const { pixels } = resizeImage(await decodedFile(path, "color"), 54, 90);
      const data = Float32Array.from(pixels, (value, i) => value - (120 + Math.floor(i / (54 * 90))));
      const { rois, cls_prob, bbox_pred } = await net.forward({
        data: { shape: [1, 3, 54, 90], data },
        im_info: { shape: [1, 3], data: Float32Array.of(54, 90, scale) },
      });
      const expected: { label: number; score: number; box: number[] }[] = [];
      for (let label = 1; label < CLASSES; label++) {
        const own: { label: number; score: number; box: number[] }[] = [];
        for (let r = 0; r < rois!.shape[0]!; r++) {
          const score = cls_prob!.data[r * CLASSES + label]!;
          if (score < 0.3) continue;
          const [x1, y1, x2, y2] = [1, 2, 3, 4].map((i) => rois!.data[5 * r + i]! / scale) as [
            number,
            number,
            number,
            number,
          ];
          const at = r * 4 * boxes + 4 * (boxes === 2 ? 1 : label);
          const [dx, dy, dw, dh] = [0, 1, 2, 3].map((i) => bbox_pred!.data[at + i]!) as [
            number,
            number,
            number,
            number,
          ];
          const [w, h] = [x2 - x1 + 1, y2 - y1 + 1];
          const [cx, cy] = [dx * w + x1 + 0.5 * w, dy * h + y1 + 0.5 * h];
          const [pw, ph] = [Math.exp(dw) * w, Math.exp(dh) * h];
          const box = [
            Math.max(Math.min(cx - 0.5 * pw, 49), 0),
            Math.max(Math.min(cy - 0.5 * ph, 29), 0),
            Math.max(Math.min(cx + 0.5 * pw, 49), 0),
            Math.max(Math.min(cy + 0.5 * ph, 29), 0),
          ];
          own.push({ label, score, box });
        }
        own.sort((a, b) => b.score - a.score);
        while (own.length > 0) {
          const best = own.shift()!;
          expected.push(best);
          const area = (b: number[]) => (b[2]! - b[0]! + 1) * (b[3]! - b[1]! + 1);
          const rest = own.filter(({ box }) => {
            const side = (i: number) =>
              Math.max(0, Math.min(box[i + 2]!, best.box[i + 2]!) - Math.max(box[i]!, best.box[i]!) + 1);
            const inter = side(0) * side(1);
            return inter / (area(box) + area(best.box) - inter) <= 0.4;
          });
          own.splice(0, own.length, ...rest);
        }
      }
      expected.sort((a, b) => b.score - a.score);
      const [{ detections, width, height }] = found as [Detected];
      expect([width, height]).to.deep.equal([50, 30]);
      expect(expected.length).to.be.greaterThan(1);
      expect(detections.map(({ label }) => label)).to.deep.equal(expected.map(({ label }) => label));
      detections.forEach(({ score, box }, i) => {
        expect(score).to.be.closeTo(expected[i]!.score, 1e-6);
        box.forEach((side, k) => {
          expect(side).to.be.closeTo(expected[i]!.box[k]!, 1e-3);
        });
      });
    });
  }

  it("says which of the authors' blobs a net lacks", async () => {
    await using net = await Net.load(deploy(CLASSES).replaceAll('"cls_prob"', '"other"'));
    await failure(detect(net, [await image()]).next(), 'the net has no blob "cls_prob"');
  });
});
