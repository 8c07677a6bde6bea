import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { create, encode } from "../../lib/caffe/message.js";
import { failure } from "../support/failure.js";
import { openLayer } from "../support/feed.js";
import { freshFolder } from "../support/folder.js";
import { writeLmdb } from "../support/write-lmdb.js";

describe("colours of encoded images", () => {
  const folder = freshFolder();

  async function shapeOf(channels: 1 | 3, transform_param: object): Promise<readonly number[]> {
    const raw = { width: 5, height: 4, channels } as const;
    const image = sharp(
      Uint8Array.from({ length: 20 * channels }, (_, i) => i),
      { raw },
    );
    const data = await (channels === 1 ? image.toColourspace("b-w") : image).png().toBuffer();
    const source = join(folder(), `lmdb-${channels}-${JSON.stringify(transform_param).length}`);
    writeLmdb(source, [["0", encode(create("Datum", { encoded: true, data, label: 0 }))]]);
    const param = { source, batch_size: 1, backend: 1 } as const;
    await using feed = await openLayer({ type: "Data", data_param: param, transform_param });
    return (await feed.next())["data"]!.shape;
  }

  it("are those of the image, or what force_color and force_gray say", async () => {
    expect(await shapeOf(1, {})).to.deep.equal([1, 1, 4, 5]);
    expect(await shapeOf(1, { force_color: true })).to.deep.equal([1, 3, 4, 5]);
    expect(await shapeOf(3, { force_gray: true })).to.deep.equal([1, 1, 4, 5]);
    await failure(
      shapeOf(3, { force_color: true, force_gray: true }),
      "transform_param has both force_color and force_gray",
    );
  });
});
