import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { loadNet } from "../../../../lib/caffe/load.js";
import { readNamedSizes } from "../../../../lib/caffe/named-sizes.js";
import { sourceFeedSpec } from "../../../../lib/data/feed/layer.js";
import { windowDataLayer } from "../../../../lib/data/feed/layers/window-data.js";
import { openLocalFeed } from "../../../../lib/data/feed/open-feed.js";
import { decodeImage } from "../../../../lib/data/image/image.js";
import { detectSource } from "../../../../lib/data/source/detect.js";
import { readImageList } from "../../../../lib/data/source/images/list.js";
import { readLabelMap } from "../../../../lib/data/source/label-map.js";
import { openRecords } from "../../../../lib/data/source/open.js";
import { prng } from "../../prng.js";
import { mutate, mutateNumbers } from "../bytes.js";
import { put } from "../files.js";
import type { Damage, FuzzReader } from "../reader.js";
import { mutateStructure } from "../structure.js";
import { insidePng } from "../wrapped.js";

const MODES = ["color", "gray", "unchanged"] as const;

function pixels(width: number, height: number, channels: 3 | 4) {
  const random = prng(1);
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7 + 40 * random()) % 256);
  return sharp(data, { raw: { width, height, channels } });
}

const decoded = (
  name: string,
  wholes: () => Promise<readonly Uint8Array[]>,
  damages: readonly Damage[] = [mutateStructure],
): FuzzReader => ({
  name,
  modules: ["lib/data/image/file.ts"],
  open: async () => ({
    wholes: await wholes(),
    damages,
    read: (bytes, seed) => decodeImage(bytes, MODES[seed % MODES.length]!),
  }),
});

/** BMP's headers are in little-endian order; these bytes are an image of 8 x 8 pixels. */
function bmp(bits: 8 | 24): Uint8Array {
  const palette = bits === 8 ? 1024 : 0;
  const size = 8 * bits;
  const header = Buffer.alloc(54 + palette, 9);
  header.fill(0, 0, 54);
  header.write("BM", "latin1");
  for (const [at, value] of [
    [2, header.length + size],
    [10, header.length],
    [14, 40],
    [18, 8],
    [22, 8],
    [34, size],
  ] as const)
    header.writeUInt32LE(value, at);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  return Buffer.concat([header, Buffer.alloc(size, 7)]);
}

const WINDOWS = Array.from({ length: 4 }, (_, i) => `# ${i}\na.jpg\n3\n40\n30\n2\n1 0.9 0 0 9 9\n0 0.1 1 1 5 5\n`).join(
  "",
);

/** Changes a number of a text. */
const numbers: Damage = (bytes, seed) => Buffer.from(mutateNumbers(Buffer.from(bytes).toString("utf8"), seed));

/** Readers of images, and of lists of them. */
export const IMAGES: readonly FuzzReader[] = [
  decoded(
    "PNG",
    async () => [
      await pixels(40, 30, 3).png().toBuffer(),
      await pixels(40, 30, 4).png().toBuffer(),
      await pixels(20, 20, 3).png({ palette: true }).toBuffer(),
    ],
    [mutateStructure, insidePng(mutateStructure)],
  ),
  decoded("JPEG", async () => [
    await pixels(40, 30, 3).jpeg().toBuffer(),
    await pixels(40, 30, 3).jpeg({ progressive: true }).toBuffer(),
    await pixels(40, 30, 3).greyscale().jpeg().toBuffer(),
  ]),
  decoded("JPEG of many pixels", async () => [await pixels(160, 140, 3).jpeg().toBuffer()]),
  decoded("CMYK JPEG", async () => [await pixels(40, 30, 3).toColourspace("cmyk").jpeg().toBuffer()]),
  decoded("WebP", async () => [
    await pixels(40, 30, 3).webp().toBuffer(),
    await pixels(40, 30, 4).webp({ lossless: true }).toBuffer(),
  ]),
  decoded("GIF", async () => [await pixels(40, 30, 3).gif().toBuffer()]),
  decoded("TIFF", async () => [
    await pixels(40, 30, 3).tiff({ compression: "lzw" }).toBuffer(),
    await pixels(40, 30, 3).tiff({ compression: "none" }).toBuffer(),
  ]),
  decoded("AVIF", async () => [await pixels(16, 16, 3).avif({ effort: 0 }).toBuffer()]),
  decoded("BMP", async () => [bmp(24), bmp(8)]),
  {
    name: "a folder of images",
    modules: ["lib/data/source/images/folder.ts", "lib/data/image/file.ts"],
    open: async (folder) => {
      mkdirSync(join(folder, "images", "a"), { recursive: true });
      const source = { kind: "folder", path: join(folder, "images") } as const;
      const spec = sourceFeedSpec(source, ["data", "label"], 1, { phase: "TEST", seed: 0 });
      return {
        wholes: [await pixels(8, 8, 3).png().toBuffer(), bmp(24)],
        read: async (bytes) => {
          put(folder, "images/a/x.png", bytes);
          await using feed = await openLocalFeed(spec, 1);
          await feed.next();
        },
      };
    },
  },
  {
    name: "lists of images",
    modules: ["lib/data/source/images/list.ts", "lib/data/source/detect.ts"],
    open: async (folder) => {
      put(folder, "one.png", "no image");
      return {
        wholes: [Buffer.from("one.png 1\none.png 0\n".repeat(8))],
        damages: [mutate, mutateStructure],
        read: (bytes) => {
          const path = put(folder, "list.txt", bytes);
          const { length, entry } = readImageList(path);
          for (let i = 0; i < length; i++) entry(i);
          detectSource(path);
        },
      };
    },
  },
  {
    name: "annotations",
    modules: ["lib/data/source/images/annotations.ts"],
    open: async (folder) => {
      put(folder, "one.png", "no image");
      const map = put(folder, "map.prototxt", 'item { name: "cat" label: 1 }');
      const list = put(folder, "annotated.txt", "one.png one.xml\n");
      const corners = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox>";
      const whole = `<annotation><size><width>8</width><height>9</height></size><object><name>cat</name>${corners}</object></annotation>`;
      return {
        wholes: [Buffer.from(whole)],
        damages: [mutate, mutateStructure, numbers],
        read: async (bytes) => {
          put(folder, "one.xml", bytes);
          await using source = await openRecords(detectSource(`${list}?labels=${map}`));
          for await (const _ of source.batches({ index: 0, count: 1 }));
        },
      };
    },
  },
  {
    name: "label maps",
    modules: ["lib/data/source/label-map.ts"],
    open: async (folder) => ({
      wholes: [Buffer.from('item { name: "cat" label: 1 display_name: "Cat" }\nitem { name: "dog" label: 2 }')],
      damages: [mutate, mutateStructure],
      read: (bytes) => {
        readLabelMap(put(folder, "map.prototxt", bytes));
      },
    }),
  },
  {
    name: "sizes of images",
    modules: ["lib/caffe/named-sizes.ts"],
    open: async (folder) => ({
      wholes: [Buffer.from("000001 375 500\nb 10 20\n")],
      damages: [mutate, mutateStructure, numbers],
      read: (bytes) => {
        readNamedSizes(put(folder, "sizes.txt", bytes));
      },
    }),
  },
  {
    name: "lists of windows",
    modules: ["lib/data/source/windows/list.ts"],
    open: async (folder) => {
      put(folder, "a.jpg", await pixels(30, 40, 3).jpeg().toBuffer());
      const param = `source: "${join(folder, "windows.txt")}" root_folder: "${folder}/" batch_size: 2 context_pad: 1`;
      const layer = loadNet(`
        layer { name: "d" type: "WindowData" top: "data" top: "label"
          window_data_param { ${param} } transform_param { crop_size: 4 mirror: true } }`).message.layer[0]!;
      const spec = windowDataLayer(layer, { phase: "TRAIN", seed: 1, paths: (path) => path });
      return {
        wholes: [Buffer.from(WINDOWS)],
        damages: [mutate, mutateStructure, numbers],
        read: async (bytes) => {
          put(folder, "windows.txt", bytes);
          await using feed = await openLocalFeed(spec, 1);
          await feed.next();
        },
      };
    },
  },
];
