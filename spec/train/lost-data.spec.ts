import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import type { TrainEvent } from "../../lib/train/events.js";
import { Solver } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";

const ROWS = 12;
const NET = `
  layer { name: "data" type: "Data" top: "data" top: "label" data_param { source: "data" batch_size: 2 } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
          inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;

describe("data that cannot be read any more", () => {
  let folder: string;
  const image = (i: number) => join(folder, "images", i % 2 === 0 ? "a" : "b", `${String(i).padStart(2, "0")}.png`);
  const write = (i: number) =>
    sharp({ create: { width: 4, height: 4, channels: 3, background: { r: 20 * i, g: 255 - 20 * i, b: 90 } } }).toFile(
      image(i),
    );
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "netrun-lost-data-"));
    for (const name of ["a", "b"]) mkdirSync(join(folder, "images", name), { recursive: true });
    for (let i = 0; i < ROWS; i++) await write(i);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const load = (name: string, fields = "", workers?: number) =>
    Solver.load(
      `net_param { ${NET} } base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 iter_size: 2 max_iter: 20 random_seed: 5
       snapshot_prefix: "${join(folder, name)}" ${fields}`,
      { data: join(folder, "images"), ...(workers && { workers, syncInterval: 2 }) },
    );

  /** Trains until an error; one image is lost after the second iteration. Events by kind, and the error's message. */
  async function untilLost(solver: Solver): Promise<{ readonly kinds: readonly string[]; readonly message: string }> {
    const kinds: string[] = [];
    const lose = ({ kind, iteration }: TrainEvent) => {
      if (kind === "iteration" && iteration === 1) rmSync(image(7));
      kinds.push(`${kind} ${iteration}`);
    };
    try {
      for await (const event of train(solver)) lose(event);
    } catch (error) {
      return { kinds, message: (error as Error).message };
    }
    throw new Error("nothing was missed");
  }

  it("ends a training after a snapshot, from which it goes on to the same bits", async () => {
    await using straight = await load("straight");
    for await (const _ of train(straight));
    const lost = await load("lost");
    const { kinds, message } = await untilLost(lost);
    const { iteration } = lost;
    await lost[Symbol.asyncDispose]();
    expect(message).to.contain(image(7));
    expect(iteration).to.be.within(2, 19);
    expect(kinds.at(-1)).to.equal(`snapshot ${iteration}`);
    await write(7);
    await using resumed = await load("lost");
    await resumed.restore(join(folder, `lost_iter_${iteration}.solverstate`));
    for await (const _ of train(resumed));
    expect(resumed.net.params.get("ip")![0]!.data).to.deep.equal(straight.net.params.get("ip")![0]!.data);
  });

  it("is no other data: replicas that open it anew find rows missing, and training ends after a snapshot", async () => {
    await using solver = await load("rows", "", 2);
    const { kinds, message } = await untilLost(solver);
    expect(message).to.equal("partition 1 of 2 failed 3 times in a row: the data has 11 rows now, and had 12");
    expect(kinds.at(-1)).to.equal(`snapshot ${solver.iteration}`);
  });

  it("writes no snapshot where the solver wants none", async () => {
    await using solver = await load("none", "snapshot_after_train: false");
    expect((await untilLost(solver)).kinds.filter((kind) => kind.startsWith("snapshot"))).to.deep.equal([]);
  });
});
