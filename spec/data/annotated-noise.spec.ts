import { join } from "node:path";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { create, encode } from "../../lib/caffe/message.js";
import { noised } from "../../lib/data/feed/annotated/noise.js";
import type { NoiseSpec } from "../../lib/data/feed/annotated/spec.js";
import { type Feed, feedSpec, openFeed } from "../../lib/data/feed/feed.js";
import { type Image, throughJpeg } from "../../lib/data/image/image.js";
import { random } from "../../lib/random.js";
import { freshFolder } from "../support/folder.js";
import { writeLmdb } from "../support/write-lmdb.js";

const [HEIGHT, WIDTH] = [9, 10];
/** An image without a pattern: byte i is (37 i^2 + 11 i) mod 251. */
const image: Image = {
  shape: [3, HEIGHT, WIDTH],
  pixels: Uint8Array.from({ length: 3 * HEIGHT * WIDTH }, (_, i) => (37 * i * i + 11 * i) % 251),
};
const NONE: NoiseSpec = {
  decolorize: false,
  blur: false,
  equalize: false,
  equalizeParts: false,
  erode: false,
  posterize: false,
  invert: false,
  hsv: false,
};
const noise = (spec: Partial<NoiseSpec>, seed = 1, of = image) =>
  noised(random(seed), of, { ...NONE, ...spec }, throughJpeg);

/** Bytes that OpenCV 5.0 makes of the image: cvtColor, GaussianBlur, equalizeHist, CLAHE, erode. */
const OPENCV = {
  decolorize:
    "d87eb842a87bc67c315f8c245261bbcbbe685b316d444767b39a9d39b37bab586b7d2a978c6788acb26e745d907962c28f3e53968fb6486d939c5b655186735ec246435ba19e7c1284aeba7c8877b09f8ea97c7c974cc2c1593cd87eb842a87bc67c315f8c245261bbcbbe685b316d444767b39a9d39b37bab586b7d2a978c6788acb26e745d907962c28f3e53968fb6486d939c5b655186735ec246435ba19e7c1284aeba7c8877b09f8ea97c7c974cc2c1593cd87eb842a87bc67c315f8c245261bbcbbe685b316d444767b39a9d39b37bab586b7d2a978c6788acb26e745d907962c28f3e53968fb6486d939c5b655186735ec246435ba19e7c1284aeba7c8877b09f8ea97c7c974cc2c1593c",
  gauss_blur:
    "707686949a999188817d767c8a969b989189837f858891999995918c89878e909496938f8f8f8e8e8e8f908f8a888b8d8e8f86878988848284888a8b7a7c828583817f80818274777e8486827c79787974767d8587827a767575646264738a968b71584f6361637288948b745f586966656f818d8a7b6f6a77736d717c8688817b78848079777c828584817f8c8a84807e80838585848c8c8b88848283878b8c8a8b8e8e8a85848a8f918a8c90908c86868b91936e707a848d959795908d696c767f889093928d8b5d616d777e84868887855258666f7375787e81814c53636e706e6f767d7f47506270736f6e72777a414a5e717977757576793c455a717e82817e7b7c39425870808686817d7c",
  hist_eq:
    "273cd449a4dec28d9e3d3b2f9863acff9b476f00c8c229e7ff53e377f237ff0048ffbd38ab5a91ffbe8bd156646ed6e1ce0093b8ef8d1346ce8751a027384eb8ca800089baf268225adfa07fd0526692fad2cd2de59b38bb425bffbadd00be82ee4300048907004afff9ff5404036e00002be4a3be00dda7ff64569600dbda14d0d4ff673742d96d5fef670b3debaccf0099acec3e1b27bd6054ec2b0d47fec3bb03c0d0ff805b66ffb6a9ff8c74b700ffff3400ff49f176e333ffff28d1e30066409bffac6aa12a202ca073b9fea448d52b2000703b0a901ad622ab714fa63b5c7700ffff36002c73ffb4009561399a33557d00ff004d12539d220038cd9d8ef085a9e6644e59c5955bff9b3560",
  clahe:
    "2732d1727ea9a889d3f45f6ccad8a3ff6f2e905be7e547ffff1ec989f462ff2d8cffd70690847cfae6c7ff547d7ec9eacb00a2cbecad0e65e58f52ff3c6957b3d380008ad6d5a3628dff9a7bfba49152ffffd929e2b341ac3c6affb0da06984dd43f14bbad442fbffffcef3b25788d180075d66ea400dfd2ffb09aff00a9bf3ebbc5ffa36d40f27d52f864174cfea9ef00b8c3f43f8a3cee694ff52b0348ffa6f643f3feff7c86b8ff76eaff9870b410ffff2e00ff3fee9fbd00fffb5dffff2898b592ff8051c29f3f4fbebdabc98a5ad7565442b4b3245e00ff0d9c998bdc39758700ffff42043f70ffaf1cac693aff48868600ff0043136f805d2e6bfb978affd7d4a6a58465c19273ff8c2f6f",
  erode:
    "0000307373866e57540c002d4e73793957570c0c2d054e4e391c39573d0c050505581c1c1c6b6b149505584f361c786b14144d2f5b363636036c6c142f2f2f5b360303034271342f34257474034242425f3425252504040442657a28070707883b060606281b060762886207061b1b0606060488070707287a1b06040404250725345f42424203747425342f4d5f42030303365b2f2f4d146c6c033636365b2f1414146b781c364f580599146b6b1c1c1c5805053d0c3d573939394e4e4e0c0c0c57573979734e30000c54312e750b73153000001a2e2e0b090b1515001656312e0909091560161616150909092e3156160015150b090b2e2e3100000015730b752e317e1a002d5073796e575757",
  convert_to_hsv:
    "1d39099f0c6a0da883ac0e6c8c6e4096380aa00c6a80a9846b0e6c8d6f3f5a370a6a7e2c53a94f6b4b6c8e703eae6a0ba10d6a526a0ead4a6c44719500360b6a0d6a0d6b4e6b496c44733c049d0b2f0d6a516b0e6b8a20437697ffb926f452bf68c2f7e1c9d9d44889078948d4d9c9e1f7c268bf52f426b9fff64dccfadaf1d6e468ac67b23ba314f532a8cae0e59097fbf14eaa34bd22bd56e559eef8b8c667daffbd18821ea659b26da3cd97cd67dafa8d23f6f7aec8a2c6e3f1f8c5e9d350bd79eecfee79bd50d3e9c5f8f1e3c6a2c8aef7877ef5e1c0cbe6c4e7ea95db70c280ebd7f460b4d4dcf4d7a5b8d16cb559b589d1e6a575a6dcd4b434b9bceb86e38fdbc5eae7c4bdcbc0e1f5658a",
};
const CASES: readonly (readonly [keyof typeof OPENCV, Partial<NoiseSpec>, tolerance: number])[] = [
  ["decolorize", { decolorize: true }, 0],
  // OpenCV rounds the window's weights.
  ["gauss_blur", { blur: true }, 1],
  ["hist_eq", { equalize: true }, 0],
  ["clahe", { equalizeParts: true }, 1],
  ["erode", { erode: true }, 0],
  ["convert_to_hsv", { hsv: true }, 0],
];

describe("noise_param of AnnotatedData", () => {
  const folder = freshFolder();

  for (const [name, spec, tolerance] of CASES)
    it(`${name} makes the bytes that OpenCV makes`, async () => {
      const { pixels } = await noise(spec);
      const expected = Buffer.from(OPENCV[name], "hex");
      expect(pixels.length).to.equal(expected.length);
      const worst = Math.max(...pixels.map((value, i) => Math.abs(value - expected[i]!)));
      expect(worst).to.be.at.most(tolerance);
    });

  it("posterises to four levels, then inverts", async () => {
    const { pixels } = await noise({ posterize: true, invert: true });
    expect([...pixels]).to.deep.equal([...image.pixels].map((v) => 255 - (Math.floor(v / 64) * 64 + 32)));
  });

  it("salts a fraction of the pixels, other ones for another seed", async () => {
    const salted = await noise({ salt: { fraction: 0.1, values: [1, 2, 251] } });
    const places = (of: Image) =>
      Array.from({ length: HEIGHT * WIDTH }, (_, i) => i).filter((i) => of.pixels[i + 180] === 251);
    expect(places(salted).length).to.be.within(1, 9);
    for (const i of places(salted)) expect([salted.pixels[i], salted.pixels[i + 90]]).to.deep.equal([1, 2]);
    expect(salted.pixels.filter((v, i) => v !== image.pixels[i]).length).to.be.at.most(27);
    expect(places(await noise({ salt: { fraction: 0.1, values: [1, 2, 251] } }, 2))).to.not.deep.equal(places(salted));
  });

  it("sends images through a JPEG: a smooth one hardly changes, at a low quality more", async () => {
    const smooth: Image = {
      shape: [3, 32, 32],
      pixels: Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => 60 * Math.floor(i / 1024) + (i % 32) * 2),
    };
    const off = async (quality: number) => {
      const { pixels } = await noise({ quality }, 1, smooth);
      return pixels.reduce((sum, v, i) => sum + Math.abs(v - smooth.pixels[i]!), 0) / pixels.length;
    };
    expect(await off(98)).to.be.below(1.5);
    expect(await off(5)).to.be.above(await off(98));
  });

  it("needs colours for what changes colours", async () => {
    const gray: Image = { shape: [1, 4, 4], pixels: new Uint8Array(16) };
    const failed = await noise({ decolorize: true }, 1, gray).catch((error: Error) => error.message);
    expect(failed).to.equal("decolorize of noise_param takes images of 3 channels, not 1");
    expect((await noise({ equalize: true }, 1, gray)).pixels.length).to.equal(16);
  });

  const datum = (height: number, width: number, boxes: readonly object[]) =>
    encode(
      create("AnnotatedDatum", {
        datum: { channels: 3, height, width, data: new Uint8Array(3 * height * width).fill(9) },
        type: 0,
        annotation_group: [{ group_label: 2, annotation: boxes.map((bbox) => ({ bbox })) }],
      }),
    );

  async function open(source: string, transform: string, batch = 1): Promise<Feed> {
    const text = `layer { name: "data" type: "AnnotatedData" top: "data" top: "label" transform_param { ${transform} }
      data_param { source: "${source}" batch_size: ${batch} backend: LMDB } }`;
    const paths = (path: string) => path;
    return await openFeed(feedSpec(loadNet(text).message.layer[0]!, { phase: "TEST", paths, seed: 3 }));
  }

  it("is read from transform_param, after resizing", async () => {
    const path = join(folder(), "data.mdb");
    writeLmdb(path, [["0", datum(8, 12, [])]]);
    await using feed = await open(path, "resize_param { height: 4 width: 6 } noise_param { inverse: true }");
    const { data } = await feed.next();
    expect(data!.shape).to.deep.equal([1, 3, 4, 6]);
    expect([...new Set(data!.data)]).to.deep.equal([246]);
  });

  it("FIT_SMALL_SIZE keeps the aspect ratio around a size: another one for each image, unless it is cropped", async () => {
    const path = join(folder(), "sizes.mdb");
    const box = { xmin: 0.25, ymin: 0, xmax: 0.5, ymax: 1 };
    writeLmdb(path, [
      ["0", datum(8, 13, [box])],
      ["1", datum(15, 8, [box])],
    ]);
    const resize = "resize_param { height: 6 width: 6 resize_mode: FIT_SMALL_SIZE }";
    await using feed = await open(path, resize);
    const first = await feed.next();
    // 6 * 13 / 8 is 9.75.
    expect(first["data"]!.shape).to.deep.equal([1, 3, 6, 9]);
    expect([...first["label"]!.data.subarray(3, 7)]).to.deep.equal([0.25, 0, 0.5, 1]);
    expect((await feed.next())["data"]!.shape).to.deep.equal([1, 3, 11, 6]);
    await using cropped = await open(path, `${resize} crop_size: 6`, 2);
    const both = await cropped.next();
    expect(both["data"]!.shape).to.deep.equal([2, 3, 6, 6]);
    // Columns 1 to 6 of 9: the box goes from 2.25 to 4.5.
    expect(both["label"]!.data[3]).to.be.closeTo(1.25 / 6, 1e-6);
    expect(both["label"]!.data[5]).to.be.closeTo(3.5 / 6, 1e-6);
  });

  it("FIT_SMALL_SIZE with height_scale and width_scale has boxes as parts of that size", async () => {
    const path = join(folder(), "scale.mdb");
    writeLmdb(path, [["0", datum(8, 8, [{ xmin: 0.25, ymin: 0, xmax: 0.5, ymax: 1 }])]]);
    const mode = "resize_mode: FIT_SMALL_SIZE height_scale: 4 width_scale: 2";
    await using feed = await open(path, `resize_param { height: 8 width: 8 ${mode} }`);
    expect([...(await feed.next())["label"]!.data.subarray(3, 7)]).to.deep.equal([1, 0, 2, 2]);
  });

  it("refuses what is no image of bytes, and salt without values", async () => {
    const why = (noiseParam: string) =>
      open("none", `noise_param { ${noiseParam} }`).then(
        () => "opened",
        (error: Error) => error.message,
      );
    expect(await why("convert_to_lab: true")).to.contain("convert_to_lab is not supported");
    expect(await why("saltpepper: true")).to.contain("saltpepper needs saltpepper_param");
    expect(await why("jpeg: 101")).to.contain("a quality from 1 to 100");
  });
});
