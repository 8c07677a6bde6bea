import { dirname } from "node:path";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { feedSpec, openFeed } from "../../lib/data/feed/feed.js";
import { hasFeed } from "../../lib/data/feed/layer.js";
import { readSafetensors } from "../support/safetensors.js";
import { goldenCases, goldenPath } from "../support/shared.js";

describe("data layers against Caffe's batches", () => {
  for (const name of goldenCases("data")) it(name, () => check(dirname(goldenPath("data", `${name}.prototxt`)), name));
});

async function check(folder: string, name: string): Promise<void> {
  const { message } = loadNet(`${folder}/${name}.prototxt`);
  const layer = message.layer.find(hasFeed)!;
  const paths = (path: string): string => `${folder}/${path}`;
  await using feed = await openFeed(feedSpec(layer, { phase: "TEST", paths, seed: 1 }));
  const golden = readSafetensors(`${folder}/${name}.safetensors`).tensors;
  for (let k = 0; k < 4; k++) {
    const batch = await feed.next();
    for (const top of layer.top) {
      const wanted = golden.get(`batch${k}/${top}`)!;
      const got = batch[top]!;
      expect(got.shape, `${top} of batch ${k}`).to.deep.equal(wanted.shape);
      expect(Buffer.from(got.data.buffer).equals(Buffer.from(wanted.data.buffer)), `${top} of batch ${k}`).to.equal(
        true,
      );
    }
  }
}
