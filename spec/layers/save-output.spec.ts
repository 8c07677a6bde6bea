import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Net, type Tensor } from "../../lib/api/net.js";
import { noise } from "../support/forks.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer } from "../support/net.js";

const [ITEMS, BOXES, CLASSES] = [2, 6, 3];
const IMAGES = [
  { name: "000001", height: 37, width: 91 },
  { name: "b", height: 60, width: 20 },
  { name: "c", height: 50, width: 50 },
];
const SIZE = { height: 30, width: 30 };

interface Row {
  readonly image: (typeof IMAGES)[number];
  readonly label: number;
  readonly score: number;
  readonly corners: readonly number[];
}

describe("save_output_param of DetectionOutput", () => {
  const folder = freshFolder();
  const inputs = `${inputLayer("loc", ITEMS, BOXES * 4)} ${inputLayer("conf", ITEMS, BOXES * CLASSES)} ${inputLayer("prior", 1, 2, BOXES * 4)}`;
  const prior: Tensor = { shape: [1, 2, BOXES * 4], data: new Float32Array(BOXES * 8).fill(1) };
  for (let i = 0; i < BOXES; i++) prior.data.set([i * 0.15, i * 0.1, i * 0.15 + 0.3, i * 0.1 + 0.4], 4 * i);

  /** Runs the net on two batches, of images 0 and 1, then 2 and 0 again; the rows of a whole pass over three images. */
  async function runTwice(format: string, more = ""): Promise<readonly Row[]> {
    writeFileSync(
      join(folder(), "map.prototxt"),
      [0, 1, 2].map((c) => `item { name: "${["no", "7", "cat"][c]}" label: ${c} }`).join("\n"),
    );
    writeFileSync(
      join(folder(), "sizes.txt"),
      IMAGES.map(({ name, height, width }) => `${name} ${height} ${width}\n`).join(""),
    );
    const saved = `output_directory: "${join(folder(), "out")}" output_name_prefix: "det_" output_format: "${format}"
      label_map_file: "${join(folder(), "map.prototxt")}" name_size_file: "${join(folder(), "sizes.txt")}" ${more}`;
    await using net = await Net.load(`${inputs}
      layer { name: "found" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "found"
        detection_output_param { num_classes: ${CLASSES} confidence_threshold: 0.4 save_output_param { ${saved} } } }`);
    const rows: Row[] = [];
    for (const batch of [0, 1]) {
      const given = {
        loc: noise(3 + batch, [ITEMS, BOXES * 4], -0.2, 0.2),
        conf: noise(5 + batch, [ITEMS, BOXES * CLASSES], 0, 1),
      };
      const { found } = await net.forward({ ...given, prior });
      expect(existsSync(join(folder(), "out"))).to.equal(batch === 1);
      for (let at = 0; at < found!.data.length; at += 7) {
        const [item, label, score, ...corners] = [...found!.data.subarray(at, at + 7)] as [number, number, number];
        const image = IMAGES[2 * batch + item];
        if (image) rows.push({ image, label, score, corners });
      }
    }
    expect(rows.length).to.be.greaterThan(6);
    return rows;
  }

  const clip = (value: number, most: number) => Math.max(0, Math.min(value, most));
  const scaled = ({ image, corners }: Row) =>
    corners.map((v, k) => clip(v, 1) * (k % 2 === 0 ? image.width : image.height));
  const boxOf = ([x1, y1, x2, y2]: readonly number[]) =>
    [x1!, y1!, x2! - x1!, y2! - y1!].map((v) => Math.round(Math.fround(v) * 100) / 100);
  const textOf = ({ score }: Row, pixels: readonly number[]) => {
    const [x, y, w, h] = boxOf(pixels).map(Math.trunc) as [number, number, number, number];
    return `${Number(score.toPrecision(6))} ${x} ${y} ${x + w} ${y + h}\n`;
  };

  it("VOC: a file for each class, after the last image of the list", async () => {
    const rows = await runTwice("VOC");
    expect(readdirSync(join(folder(), "out")).sort()).to.deep.equal(["det_7.txt", "det_cat.txt"]);
    for (const [label, name] of [
      [1, "7"],
      [2, "cat"],
    ] as const) {
      const own = rows.filter((row) => row.label === label);
      expect(readFileSync(join(folder(), "out", `det_${name}.txt`), "utf8")).to.equal(
        own.map((row) => `${row.image.name} ${textOf(row, scaled(row))}`).join(""),
      );
    }
  });

  it("COCO: an array, numbers where names are some", async () => {
    const rows = await runTwice("COCO");
    const written: unknown = JSON.parse(readFileSync(join(folder(), "out", "det_.json"), "utf8"));
    expect(written).to.deep.equal(
      rows.map((row) => ({
        image_id: row.image.name === "000001" ? 1 : row.image.name,
        category_id: row.label === 1 ? 7 : "cat",
        bbox: boxOf(scaled(row)),
        score: Number(row.score.toPrecision(9)),
      })),
    );
  });

  for (const mode of ["FIT_LARGE_SIZE_AND_PAD", "FIT_SMALL_SIZE"] as const)
    it(`ILSVRC: one file, of boxes of images that were resized by ${mode}`, async () => {
      const scales = mode === "FIT_SMALL_SIZE" ? "height_scale: 24 width_scale: 28" : "";
      const rows = await runTwice(
        "ILSVRC",
        `resize_param { resize_mode: ${mode} height: ${SIZE.height} width: ${SIZE.width} ${scales} }`,
      );
      const pixels = ({ image, corners }: Row) => {
        const sides = [image.width, image.height, image.width, image.height];
        if (scales) return corners.map((v, k) => clip(v * (k % 2 === 0 ? 28 : 24), sides[k]!));
        const aspect = image.width / image.height;
        const pad = aspect > 1 ? [0, (1 - 1 / aspect) / 2] : [(1 - aspect) / 2, 0];
        const meets = [0, 1].every((k) => corners[k]! < 1 - pad[k]! && corners[k + 2]! > pad[k]!);
        const parts = meets ? corners.map((v, k) => (v - pad[k % 2]!) / (1 - 2 * pad[k % 2]!)) : corners;
        return parts.map((v, k) => clip(v, 1) * sides[k]!);
      };
      expect(readFileSync(join(folder(), "out", "det_.txt"), "utf8")).to.equal(
        rows.map((row) => `${row.image.name} ${row.label} ${textOf(row, pixels(row))}`).join(""),
      );
    });

  it("says which file is missing, and what a format is", async () => {
    const failed = (saved: string) =>
      Net.load(`${inputs} layer { name: "f" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "f"
        detection_output_param { num_classes: 3 save_output_param { output_directory: "out" ${saved} } } }`).then(
        () => "loaded",
        (error: Error) => error.message,
      );
    expect(await failed('label_map_file: "nowhere.prototxt" name_size_file: "sizes.txt"')).to.contain(
      "no such file: nowhere.prototxt",
    );
    // As in the fork, nothing is saved without both files.
    expect(await failed('label_map_file: "nowhere.prototxt"')).to.equal("loaded");
    const files = `label_map_file: "${join(folder(), "map.prototxt")}" name_size_file: "${join(folder(), "sizes.txt")}"`;
    writeFileSync(join(folder(), "map.prototxt"), 'item { name: "a" label: 1 }');
    writeFileSync(join(folder(), "sizes.txt"), "a 1 1\n");
    expect(await failed(`${files} output_format: "KITTI"`)).to.contain('output_format is "KITTI"');
    expect(await failed(`${files} output_format: "VOC"`)).to.contain('class 2 is not in "');
  });
});
