import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { create, encode } from "../../lib/caffe/message.js";
import { Net, type NetrunError } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";
import { writeLmdb } from "../support/write-lmdb.js";

const layer = (text: string) => `layer { name: "d" type: "Python" top: "data" top: "im_info" top: "gt_boxes"
  python_param { module: "roi_data_layer.layer" layer: "RoIDataLayer" param_str: "'num_classes': 3${text}" } }`;

describe("RoIDataLayer", () => {
  const folder = freshFolder();

  /** Images of 40 x 20 whose left half is white, with a box around it and a difficult one; and one without boxes. */
  async function write(): Promise<string> {
    const pixels = Buffer.alloc(40 * 20 * 3);
    for (let i = 0; i < 40 * 20; i++) if (i % 40 < 20) pixels.fill(255, 3 * i, 3 * i + 3);
    const data = await sharp(pixels, { raw: { width: 40, height: 20, channels: 3 } })
      .png()
      .toBuffer();
    const bbox = { xmin: 0, ymin: 0, xmax: 0.5, ymax: 1 };
    const group = { group_label: 2, annotation: [{ bbox }, { bbox: { ...bbox, difficult: true } }] };
    const datum = (groups: object[]) =>
      encode(create("AnnotatedDatum", { datum: { encoded: true, data }, type: 0, annotation_group: groups }));
    const path = join(folder(), "data.mdb");
    writeLmdb(path, [
      ["0", datum([])],
      ["1", datum([group])],
    ]);
    return path;
  }

  it("gives an image with its size and the boxes that are not difficult, in pixels; mirrored at random", async () => {
    const data = await write();
    const seen = new Set<string>();
    await using net = await Net.load(layer(", 'scales': [30], 'max_size': 50, 'pixel_means': [1, 2, 3.5]"), {
      phase: "TRAIN",
      data,
    });
    for (let i = 0; i < 12; i++) {
      const blobs = await net.forward();
      // The longer side may have 50 pixels: a scale of 1.25.
      expect([...blobs["im_info"]!.data]).to.deep.equal([25, 50, 1.25]);
      expect(blobs["data"]!.shape).to.deep.equal([1, 3, 25, 50]);
      const boxes = [...blobs["gt_boxes"]!.data];
      const left = blobs["data"]!.data[5]! > 100;
      expect(boxes).to.deep.equal(left ? [0, 0, 24, 24, 2] : [25, 0, 49, 24, 2]);
      const corner = left ? 5 : 45;
      expect([0, 1, 2].map((c) => blobs["data"]!.data[c * 25 * 50 + corner])).to.deep.equal([254, 253, 251.5]);
      seen.add(boxes.join());
    }
    expect(seen.size).to.equal(2);
    await using plain = await Net.load(layer(", 'scales': [20], 'use_flipped': False"), { phase: "TRAIN", data });
    const blobs = await plain.forward();
    expect([...blobs["gt_boxes"]!.data]).to.deep.equal([0, 0, 19, 19, 2]);
    expect(blobs["data"]!.data[0]).to.be.closeTo(255 - 102.9801, 1e-4);
  });

  it("takes the blobs themselves from data that has them", async () => {
    const rows = [
      { data: { shape: [3, 4, 4], data: new Float32Array(48).fill(2) }, im_info: [4, 4, 1], gt_boxes: [0, 0, 2, 2, 1] },
    ];
    await using net = await Net.load(layer(""), { phase: "TRAIN", data: rows });
    expect([...(await net.forward())["gt_boxes"]!.data]).to.deep.equal([0, 0, 2, 2, 1]);
  });

  it("asks for its data, and refuses what has neither boxes nor the blobs", async () => {
    const why = async (options: object) =>
      (
        (await Net.load(layer(""), { phase: "TRAIN", ...options }).catch((error: unknown) => error)) as NetrunError
      ).format();
    expect(await why({}))
      .to.contain("its images and boxes are those of a Python data set")
      .and.to.contain("--data PATH");
    expect(await why({ data: "netrun:digits/test" })).to.contain('no field for the top "gt_boxes"');
  });

  it("says of a layer with proposals (Fast R-CNN) that no files of them are read", async () => {
    const tops = ["data", "rois", "labels", "bbox_targets", "bbox_inside_weights", "bbox_outside_weights"];
    const text = layer("").replace(/top.*"gt_boxes"/, tops.map((top) => `top: "${top}"`).join(" "));
    for (const options of [{}, { data: "netrun:shapes/train" }]) {
      const error = await Net.load(text, { phase: "TRAIN", ...options }).catch((e: unknown) => e);
      expect((error as NetrunError).format())
        .to.contain("its proposals come from files")
        .and.to.contain("end-to-end");
    }
  });
});
