import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import sharp from "sharp";
import { failure } from "../support/failure.js";
import { openLayer } from "../support/feed.js";
import { freshFolder } from "../support/folder.js";

describe("a feed in a thread", () => {
  const folder = freshFolder();
  const layer = async (count: number) => {
    const list = join(folder(), "list.txt");
    for (let i = 0; i < count; i++) {
      const raw = { width: 6, height: 6, channels: 3 } as const;
      await sharp(Buffer.alloc(108, i), { raw })
        .png()
        .toFile(join(folder(), `${i}.png`));
    }
    writeFileSync(list, Array.from({ length: count }, (_, i) => `${i}.png ${i}`).join("\n"));
    return {
      type: "ImageData",
      image_data_param: { source: list, root_folder: `${folder()}/`, batch_size: 2, shuffle: true },
      transform_param: { crop_size: 4, mirror: true },
    };
  };

  it("gives what it would give without, before and after the thread takes over, and after seeking", async () => {
    const message = await layer(7);
    const options = { phase: "TRAIN" } as const;
    await using feed = await openLayer(message, options);
    const batches = [];
    for (let i = 0; i < 40; i++) {
      batches.push(await feed.next());
      // Time for the thread to start, so that most of these batches are its own.
      if (i === 7) await setTimeout(1500);
    }
    expect(feed.position).to.equal(80);
    for (const start of [0, 6, 20, 36]) {
      await using again = await openLayer(message, options);
      await again.seek(2 * start);
      for (let i = start; i < start + 4; i++) expect(await again.next(), `batch ${i}`).to.deep.equal(batches[i]);
    }
    await feed.seek(10);
    expect(await feed.next()).to.deep.equal(batches[5]);
  });

  it("hands on an error with its notes, and closes all the same", async () => {
    const message = await layer(30);
    writeFileSync(join(folder(), "29.png"), "no image");
    await using feed = await openLayer({
      ...message,
      image_data_param: { ...message.image_data_param, shuffle: false },
    });
    for (let i = 0; i < 14; i++) {
      await feed.next();
      if (i === 7) await setTimeout(1500);
    }
    await failure(feed.next(), `${folder()}/29.png: the image does not decode`);
  });
});
