import { readFileSync } from "node:fs";
import { expect } from "chai";
import { encode } from "../../lib/caffe/message.js";
import { meanImage } from "../../lib/data/feed/mean.js";
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
