import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp, { type Sharp } from "sharp";
import { decodeImage } from "../../lib/data/image/image.js";
import { decodeSmallJpeg, jpegHeader } from "../../lib/data/image/jpeg.js";
import { NetrunError } from "../../lib/error.js";
import { failure } from "../support/failure.js";
import { prng } from "../support/prng.js";
import { root } from "../support/shared.js";

const random = prng(3);

/** A noisy image that no rounding error survives unseen, as interleaved RGB. */
function noise(width: number, height: number, channels: 1 | 3 | 4): Sharp {
  const pixels = Uint8Array.from({ length: width * height * channels }, () => random() * 256);
  return sharp(pixels, { raw: { width, height, channels } });
}

describe("decoding images", () => {
  it("gives blue, green, red planes of a PNG", async () => {
    const png = await sharp(Uint8Array.of(1, 2, 3, 4, 5, 6), { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    const { shape, pixels } = await decodeImage(png, "unchanged");
    expect(shape).to.deep.equal([3, 1, 2]);
    expect([...pixels]).to.deep.equal([3, 6, 2, 5, 1, 4]);
  });

  it("keeps gray and alpha channels, or gives three or one on request", async () => {
    const gray = await noise(3, 2, 1).toColourspace("b-w").png().toBuffer();
    const alpha = await noise(3, 2, 4).png().toBuffer();
    const channels = async (bytes: Buffer, mode: "unchanged" | "color" | "gray"): Promise<number> =>
      (await decodeImage(bytes, mode)).shape[0];
    expect(await channels(gray, "unchanged")).to.equal(1);
    expect(await channels(gray, "color")).to.equal(3);
    expect(await channels(alpha, "unchanged")).to.equal(4);
    expect(await channels(alpha, "color")).to.equal(3);
    expect(await channels(alpha, "gray")).to.equal(1);
  });

  // The values are OpenCV 4.6's.
  it("decodes BMP files, from the lowest row up, and gray out of them", async () => {
    const header =
      "424d460000000000000036000000280000000200000002000000010018000000000010000000c40e0000c40e00000000000000000000";
    const bmp = Buffer.from(`${header}5a50468000ff00000302013c32280000`, "hex");
    const colour = await decodeImage(bmp, "unchanged");
    expect(colour.shape).to.deep.equal([3, 2, 2]);
    expect([...colour.pixels]).to.deep.equal([3, 60, 90, 128, 2, 50, 80, 0, 1, 40, 70, 255]);
    expect([...(await decodeImage(bmp, "gray")).pixels]).to.deep.equal([2, 48, 78, 91]);
    await failure(Promise.resolve(decodeImage(bmp.subarray(0, 60), "color")), "the BMP file is cut off or damaged");
  });

  it("shows the inks of a CMYK JPEG as OpenCV does, without a colour profile", async () => {
    const jpeg = readFileSync(join(root, "fixtures/data/cmyk.jpg"));
    const { shape, pixels } = await decodeImage(jpeg, "unchanged");
    expect(shape).to.deep.equal([3, 2, 2]);
    expect([pixels[0], pixels[4], pixels[8]]).to.deep.equal([140, 190, 48]);
    expect((await decodeImage(jpeg, "gray")).pixels[0]).to.equal(142);
  });

  it("gives the same pixels of a JPEG by either build of libjpeg-turbo", async () => {
    for (const chromaSubsampling of ["4:2:0", "4:4:4"])
      for (const [width, height] of [
        [32, 32],
        [33, 17],
        [8, 8],
      ] as const) {
        const jpeg = await noise(width, height, 3).jpeg({ quality: 85, chromaSubsampling }).toBuffer();
        const rgb = await sharp(jpeg).raw().toBuffer();
        const rgba = decodeSmallJpeg(jpeg)!;
        for (let i = 0; i < width * height; i++)
          expect([...rgba.subarray(4 * i, 4 * i + 3)]).to.deep.equal([...rgb.subarray(3 * i, 3 * i + 3)]);
      }
  });

  it("reads a JPEG as gray by its luma, small and large alike", async () => {
    for (const size of [32, 200]) {
      const jpeg = await noise(size, size, 3).jpeg({ quality: 90 }).toBuffer();
      const { shape, pixels } = await decodeImage(jpeg, "gray");
      const bgr = await decodeImage(jpeg, "color");
      expect(shape).to.deep.equal([1, size, size]);
      const area = size * size;
      let sum = 0;
      for (let i = 0; i < area; i++) {
        const [b, g, r] = [bgr.pixels[i]!, bgr.pixels[area + i]!, bgr.pixels[2 * area + i]!];
        // Colours out of range are clipped, so that single pixels may be off; luma and weights agree on the whole.
        sum += Math.abs(pixels[i]! - (0.299 * r + 0.587 * g + 0.114 * b));
      }
      expect(sum / area).to.be.below(8);
      expect(jpegHeader(jpeg)).to.deep.equal({ width: size, height: size, channels: 3 });
    }
  });

  it("reads a flat JPEG as exactly its gray", async () => {
    const flat = sharp(new Uint8Array(64 * 3).fill(77), { raw: { width: 8, height: 8, channels: 3 } });
    const { pixels } = await decodeImage(await flat.jpeg({ quality: 100 }).toBuffer(), "gray");
    expect([...pixels]).to.deep.equal(new Array(64).fill(77));
  });

  it("says why bytes do not decode, and decodes the next image all the same", async () => {
    const jpeg = await noise(16, 16, 3).jpeg().toBuffer();
    for (const bytes of [jpeg.subarray(0, 200), Buffer.from("not an image"), Buffer.alloc(0)]) {
      const error = await Promise.resolve(decodeImage(bytes, "color")).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(NetrunError);
      expect((error as NetrunError).message).to.match(/^(the image does not decode|there is no image): /);
    }
    expect((await decodeImage(jpeg, "color")).shape).to.deep.equal([3, 16, 16]);
  });
});
