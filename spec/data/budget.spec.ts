import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync, gzipSync } from "node:zlib";
import { expect } from "chai";
import { parseBytes } from "../../lib/budget.js";
import { decodeImage } from "../../lib/data/image/image.js";
import { openSource } from "../../lib/data/source/open.js";
import { NetrunError } from "../../lib/error.js";
import { cli } from "../support/cli.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

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
});
