import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync, gzipSync } from "node:zlib";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { parseBytes } from "../../lib/budget.js";
import { decodeWeights, readWeights } from "../../lib/caffe/weights.js";
import { decodeImage } from "../../lib/data/image/image.js";
import { unpackLz4 } from "../../lib/data/source/arrow/lz4.js";
import { unpackZstd } from "../../lib/data/source/arrow/zstd.js";
import { openSource } from "../../lib/data/source/open.js";
import { NetrunError } from "../../lib/error.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { withMaxAlloc } from "../support/limit.js";

/** A PNG whose header declares a size, its pixels a stretch of zeros. */
function png(width: number, height: number, zeros: number): Uint8Array {
  const chunk = (name: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(new Uint8Array(zeros))),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** The beginning of a JPEG of 65500 x 65500 pixels. */
const JPEG = Uint8Array.of(
  0xff,
  0xd8,
  0xff,
  0xc0,
  0,
  17,
  8,
  0xff,
  0xdc,
  0xff,
  0xdc,
  3,
  1,
  0x22,
  0,
  2,
  0x11,
  1,
  3,
  0x11,
  1,
);

const bytesInUse = (): number => process.memoryUsage().rss;

const idx = (dims: readonly number[], values: number): Buffer => {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head[2] = 8;
  head[3] = dims.length;
  dims.forEach((dim, i) => {
    head.writeUInt32BE(dim, 4 + 4 * i);
  });
  return Buffer.concat([head, new Uint8Array(values)]);
};

describe("what a file may allocate", () => {
  const folder = freshFolder();

  const refused = async (read: () => Promise<unknown> | unknown, message: string) => {
    const before = bytesInUse();
    await failure((async () => read())(), message);
    expect(bytesInUse() - before, "bytes allocated").to.be.lessThan(2 ** 28);
  };

  for (const mode of ["color", "gray", "unchanged"] as const)
    it(`refuses images by the size that they declare, read as ${mode}`, async () => {
      await refused(() => decodeImage(png(40_000, 40_000, 100_000), mode), "pixels, which is the limit");
      await refused(
        () => decodeImage(JPEG, mode),
        "an image of 65500 x 65500 pixels would take 16.0 GiB, and the limit is 256.0 MiB",
      );
    });

  it("names the flag that raises the limit", () =>
    failure((async () => decodeImage(JPEG, "color"))(), "--max-alloc SIZE"));

  it("reads what a raised limit allows", async () => {
    const image = png(300, 200, 200 * 901);
    process.env["NETRUN_MAX_ALLOC"] = "512k";
    try {
      await refused(() => decodeImage(image, "color"), "pixels, which is the limit");
    } finally {
      delete process.env["NETRUN_MAX_ALLOC"];
    }
    expect((await decodeImage(image, "color")).shape).to.deep.equal([3, 200, 300]);
  });

  it("takes the flag from the command line, with its unit", async () => {
    try {
      const { status, stderr } = await cli("layers", "--max-alloc", "lots");
      expect([status, stderr.split("\n")[0]]).to.deep.equal([1, '--max-alloc "lots" is not a size']);
      expect((await cli("layers", "--max-alloc", "3M")).status).to.equal(0);
      expect(process.env["NETRUN_MAX_ALLOC"]).to.equal(String(3 * 2 ** 20));
    } finally {
      delete process.env["NETRUN_MAX_ALLOC"];
    }
  });

  it("reads sizes with their units, and nothing else", () => {
    expect(["1", "2k", "1.5M", "4GiB", "1 tb"].map((text) => parseBytes(text, "x"))).to.deep.equal([
      1,
      2048,
      1.5 * 2 ** 20,
      2 ** 32,
      2 ** 40,
    ]);
    for (const text of ["", "-1", "0", "1e9", "4X", "G"]) expect(() => parseBytes(text, "x")).to.throw(NetrunError);
  });

  const pair = (images: Buffer, labels: Buffer) => {
    const [a, b] = [join(folder(), "images"), join(folder(), "labels")];
    writeFileSync(a, images);
    writeFileSync(b, labels);
    return openSource({ kind: "idx", images: a, labels: b });
  };

  it("does not unpack an IDX file beyond the values that its header declares", () => {
    // The start of another archive follows what a gzip reader takes for the end of the first.
    const bomb = Buffer.concat([gzipSync(idx([13, 10, 10], 1300)), gzipSync(new Uint8Array(400_000_000))]);
    return refused(() => pair(bomb, gzipSync(idx([13], 13))), "the file has more values than its header says");
  });

  const cases: readonly (readonly [dims: readonly number[], values: number, message: string])[] = [
    [[2, 0xffffffff, 0xffffffff], 8, "its dimensions [2,4294967295,4294967295] are impossible"],
    [[2, 0, 5], 0, "its dimensions [2,0,5] are impossible"],
    [[2, 2, 2], 7, "the file is cut off: its header promises 8 bytes of values, there are 7"],
    [[2, 2, 2], 9, "the file has more values than its header says"],
  ];
  for (const [dims, values, message] of cases)
    it(`refuses an IDX file of [${dims}] with ${values} values`, async () => {
      await failure(pair(idx(dims, values), idx([2], 2)), message);
      const packed = gzipSync(idx(dims, values));
      await failure(pair(packed, gzipSync(idx([2], 2))), message.split(":")[0]!.replace("is cut off", ""));
    });

  const csv = async (path: string) => {
    await using source = await openSource({ kind: "csv", path });
    return source.length;
  };
  it("does not unpack a table far beyond what its size lets expect", async () => {
    const path = join(folder(), "x.csv.gz");
    writeFileSync(path, gzipSync("a\n1\n".padEnd(9_000_000, "1\n")));
    await withMaxAlloc("1M", () => failure(csv(path), "unpacked it is larger than"));
  });

  it("does not unpack Zstandard whose blocks, window or declared size take more than the limit", async () => {
    // 30 blocks of a byte repeated 128 KiB times: 3.8 MiB in 120 bytes.
    const block = (isLast: boolean) => {
      const word = (isLast ? 1 : 0) | (1 << 1) | ((2 ** 17) << 3);
      return Buffer.of(word & 255, (word >> 8) & 255, word >> 16, 7);
    };
    const blocks = Array.from({ length: 30 }, (_, i) => block(i === 29));
    const magic = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);
    const bomb = Buffer.concat([magic, Buffer.of(0, 0x38), ...blocks]);
    expect(unpackZstd(bomb).length).to.equal(30 * 2 ** 17);
    const tooWide = Buffer.concat([magic, Buffer.of(0, 0xa8), block(true)]);
    const declared = Buffer.concat([magic, Buffer.of(0xa0, 0, 0, 0, 0x40), block(true)]);
    await withMaxAlloc("2M", async () => {
      expect(() => unpackZstd(bomb)).to.throw(NetrunError, "a compressed buffer would take 3.8 MiB");
      expect(() => unpackZstd(tooWide)).to.throw(NetrunError, "a compressed buffer would take 2.0 GiB");
      expect(() => unpackZstd(declared)).to.throw(NetrunError, "a compressed buffer would take 1.0 GiB");
    });
  });

  it("does not unpack LZ4 whose blocks may take more than the limit", () =>
    withMaxAlloc("1M", async () => {
      const frame = Buffer.concat([
        Buffer.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0),
        Buffer.of(0, 0x40, 0, 0),
        Buffer.alloc(0x4000),
        Buffer.alloc(4),
      ]);
      expect(() => unpackLz4(frame)).to.throw(NetrunError, "a compressed buffer would take 4.0 MiB");
    }));

  it("reads no device, whose bytes may have no end", () => failure(readWeights("/dev/zero"), "/dev/zero is a device"));

  it("says of which layer a value is larger than onnxruntime can have", async () => {
    const tile = 'layer { name: "t" type: "Tile" bottom: "x" top: "y" tile_param { axis: 1 tiles: 300000000 } }';
    await using net = await Net.load(
      `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 } } } ${tile}`,
    );
    const data = { x: { shape: [1, 4], data: new Float32Array(4) } };
    await failure(net.forward(data), 'layer "t": there is not enough memory to compute it');
  });

  it("refuses groups nested a hundred thousand deep", () =>
    failure((async () => decodeWeights(Buffer.alloc(100_000, (99 << 3) | 3)))(), "not a complete binary NetParameter"));
});
