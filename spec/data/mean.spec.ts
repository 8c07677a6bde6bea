import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { blobProto } from "../../lib/caffe/blob.js";
import { loadNet } from "../../lib/caffe/load.js";
import { encode } from "../../lib/caffe/message.js";
import { convert } from "../../lib/convert/index.js";
import { meanImage } from "../../lib/data/feed/mean.js";
import { readMean } from "../../lib/data/feed/open-feed.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { describeShared, sharedPath } from "../support/shared.js";

describeShared("the mean image", () => {
  it("is Caffe's file to the byte", async () => {
    const { blob, rows } = await meanImage(detectSource(sharedPath("zoo/cifar10/cifar10_train_lmdb")));
    expect(rows).to.equal(10_000);
    expect(Buffer.from(encode(blob)).equals(readFileSync(sharedPath("zoo/cifar10/mean.binaryproto")))).to.equal(true);
  });
});

describe("mean values", () => {
  const folder = freshFolder();

  it("are those of each channel", async () => {
    const path = `${folder()}/rows.arrow`;
    await saveRows(path, [{ data: [[[1, 2]], [[10, 30]]] }, { data: [[[3, 4]], [[10, 10]]] }]);
    expect((await meanImage(detectSource(path))).channelMeans).to.deep.equal([2.5, 15]);
  });

  it("are none of rows that are no images", async () => {
    const path = `${folder()}/rows.arrow`;
    await saveRows(path, [{ data: [1, 2] }]);
    await failure(meanImage(detectSource(path)), "rows of the shape [2] have no mean image");
  });
});

describe("a mean file", () => {
  const folder = freshFolder();
  const put = (shape: readonly number[], values: readonly number[]) => {
    const path = join(folder(), "mean.binaryproto");
    writeFileSync(path, encode(blobProto(shape, Float32Array.from(values))));
    return path;
  };
  const net = `
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 1 dim: 2 } } }
    layer { name: "p" type: "Power" bottom: "data" top: "p" }`;
  const readers: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    "by data layers and classify": async (path) => readMean(path),
    "by convert": (meanFile) => convert(loadNet(net).message, new Map(), { preprocess: true, meanFile }),
  };

  for (const [how, read] of Object.entries(readers))
    it(`is refused ${how} with fewer values than its shape has, and with some that are not finite`, async () => {
      const path = put([1, 2, 1, 2], [1, 2, 3]);
      await failure(read(path), `${path}: the mean has shape [1,2,1,2] but 3 values`);
      await failure(read(put([1, 2, 1, 2], [1, 2, 3, Number.NaN])), "the mean has values that are not finite");
      await read(put([1, 2, 1, 2], [1, 2, 3, 4]));
    });

  it("without axes does not cover an image", () =>
    failure(readers["by convert"]!(put([], [1])), "the mean image [] does not cover the input [2,1,2]"));
});
