import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { maskedCrc32c } from "../../lib/data/source/leveldb/crc32c.js";
import { tiles } from "../../lib/runs/filters.js";
import { TensorBoardFile } from "../../lib/runs/tensorboard/event-files.js";
import { Solver } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { freshFolder } from "../support/folder.js";
import { writeRestless } from "../support/training.js";

/** The messages of a file of records, their lengths and checksums checked. */
function recordsIn(bytes: Buffer): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).to.equal(maskedCrc32c(bytes.subarray(at, at + 8)));
    const message = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).to.equal(maskedCrc32c(message));
    messages.push(message);
    at += 16 + length;
  }
  return messages;
}

describe("event files of TensorBoard", () => {
  const folder = freshFolder();

  it("are whole records of scalars, histograms, pictures, the graph and hyperparameters", async () => {
    const path = writeRestless(folder(), "max_iter: 6 snapshot_after_train: false");
    await using solver = await Solver.load(path, { statistics: 5 });
    const board = join(folder(), "board");
    {
      await using file = new TensorBoardFile(board, solver, () => {});
      for await (const event of train(solver)) file.write(event);
    }
    const [name] = readdirSync(board);
    expect(name).to.match(/^events\.out\.tfevents\.\d{10}\./);
    const records = recordsIn(readFileSync(join(board, name!)));
    // The field file_version, 3, of type 2: a string of 13 characters.
    expect(records[0]!.includes(Buffer.from("\x1a\x0dbrain.Event:2"))).to.equal(true);
    const texts = records.map((record) => record.toString("latin1"));
    for (const text of [
      "train/smoothed loss",
      "test/accuracy",
      "ratio/conv[0]",
      "gradients/ip[0]",
      "activations/ip",
      "filters/conv",
      "_hparams_/experiment",
      "_hparams_/session_start_info",
      "_hparams_/session_end_info",
      "SoftmaxWithLoss",
    ])
      expect(
        texts.some((each) => each.includes(text)),
        text,
      ).to.equal(true);
    expect(texts.filter((each) => each.includes("train/loss"))).to.have.length(6);
  });

  it("show filters as tiles from black to white, three channels as colours", () => {
    const grey = tiles([0, 1, 2, 4, 5, 5, 5, 5], [2, 1, 2, 2]);
    expect(grey).to.deep.equal({
      ...{ width: 5, height: 2, channels: 1 },
      data: Uint8Array.from([0, 64, 128, 128, 128, 128, 255, 128, 128, 128]),
    });
    expect(tiles([0, 5, 10], [1, 3, 1, 1])).to.deep.equal({
      ...{ width: 1, height: 1, channels: 3 },
      data: Uint8Array.from([0, 128, 255]),
    });
  });
});
