import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { failure } from "../support/failure.js";
import { openLayer } from "../support/feed.js";
import { freshFolder } from "../support/folder.js";

describe("WindowData", () => {
  const folder = freshFolder();

  /** One 4 x 4 image whose pixels are 1 to 16 in all channels, and windows of it. */
  const prepare = async (...windows: string[]): Promise<string> => {
    const pixels = Uint8Array.from({ length: 48 }, (_, i) => Math.floor(i / 3) + 1);
    await sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } })
      .png()
      .toFile(join(folder(), "a.png"));
    const list = join(folder(), "windows.txt");
    writeFileSync(list, ["# 0", "a.png", "3 4 4", String(windows.length), ...windows].join("\n"));
    return list;
  };
  const layer = (source: string, param = {}, transform_param = {}) => ({
    type: "WindowData",
    window_data_param: { source, root_folder: `${folder()}/`, batch_size: 4, fg_fraction: 0.25, ...param },
    transform_param: { crop_size: 2, ...transform_param },
  });

  it("puts background first and its share of foreground last, each of its class", async () => {
    const list = await prepare("2 0.8 0 0 1 1", "3 0.1 2 2 3 3", "5 0.5 0 0 3 3");
    await using feed = await openLayer(layer(list, { bg_threshold: 0.4, fg_threshold: 0.6 }));
    const { data, label } = await feed.next();
    expect(feed.length).to.equal(2);
    expect([...label!.data]).to.deep.equal([0, 0, 0, 2]);
    expect(data!.shape).to.deep.equal([4, 3, 2, 2]);
    expect([...data!.data.subarray(0, 4)]).to.deep.equal([11, 12, 15, 16]);
    expect([...data!.data.subarray(36, 40)]).to.deep.equal([1, 2, 5, 6]);
  });

  it("subtracts the mean and scales", async () => {
    const list = await prepare("1 1 0 0 1 1");
    await using feed = await openLayer(layer(list, { fg_fraction: 1 }, { mean_value: [1], scale: 0.5 }));
    expect([...(await feed.next())["data"]!.data.subarray(0, 4)]).to.deep.equal([0, 0.5, 2, 2.5]);
  });

  it("crops squares around windows with crop_mode square, and refuses other modes", async () => {
    const list = await prepare("1 1 0 0 3 1");
    const cropOf = async (crop_mode: string) => {
      await using feed = await openLayer(layer(list, { fg_fraction: 1, crop_mode }));
      return [...(await feed.next())["data"]!.data.subarray(0, 4)];
    };
    expect(await cropOf("warp")).to.not.deep.equal(await cropOf("square"));
    await failure(cropOf("round"), 'crop_mode is "round"; it is "warp" or "square"');
  });

  it("takes the scale that stands among its own parameters, as Caffe's does", async () => {
    const list = await prepare("1 1 0 0 1 1");
    await using feed = await openLayer(layer(list, { fg_fraction: 1, scale: 2 }));
    expect([...(await feed.next())["data"]!.data.subarray(0, 4)]).to.deep.equal([2, 4, 10, 12]);
  });

  it("leaves empty what context lies outside the image", async () => {
    const list = await prepare("1 1 0 0 1 1");
    const param = { fg_fraction: 1, context_pad: 1 };
    await using feed = await openLayer(layer(list, param, { crop_size: 4 }));
    const plane = [...(await feed.next())["data"]!.data.subarray(0, 16)];
    // The window [0, 1] with its context is [-1, 3]: five pixels warped to four, of which the first is outside.
    expect(plane.slice(0, 4)).to.deep.equal([0, 0, 0, 0]);
    expect([plane[4], plane[8], plane[12]]).to.deep.equal([0, 0, 0]);
    expect(plane.slice(5, 8).every((value) => value > 0)).to.equal(true);
  });

  it("chooses the same windows again after seeking back", async () => {
    const list = await prepare("1 1 0 0 1 1", "2 1 1 1 2 2", "3 1 2 2 3 3");
    await using feed = await openLayer(layer(list, { fg_fraction: 1 }, { mirror: true }));
    await feed.next();
    const second = await feed.next();
    await feed.seek(4);
    expect(await feed.next()).to.deep.equal(second);
    expect(feed.position).to.equal(8);
  });

  it("names what is wrong with the window file", async () => {
    await failure(openLayer(layer(await prepare("1 1 0 0 1 1"))), "no background windows");
    await failure(openLayer(layer(await prepare("1 0 0 0 1 1"))), "no foreground windows");
    await failure(openLayer(layer(await prepare("0 1 0 0 1 1"))), "line 5: a foreground window has the class 0");
    await failure(openLayer(layer(await prepare("1 1 0 0 x 1"))), "line 5: x where x2 should stand");
    await using feed = await openLayer(layer(await prepare("1 1 0 0 9 1"), { fg_fraction: 1 }));
    await failure(feed.next(), "the window [0,0,9,1] of 3 channels is not inside the image [3,4,4]");
  });
});
