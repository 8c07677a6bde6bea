import { existsSync } from "node:fs";
import { expect } from "chai";
import { parallelOf } from "../../lib/cli/parallel.js";
import { NetrunError } from "../../lib/error.js";
import { detectSource, type RoundEvent, Solver, type SourceSpec, type TrainEvent, train } from "../../lib/index.js";
import { freshFolder } from "../support/folder.js";
import { writeRestless } from "../support/training.js";

/** All parameters of a solver's net, in order. */
const parameters = (solver: Solver) =>
  [...solver.net.params.values()].flatMap((blobs) => blobs.map(({ data }) => data.slice()));

describe("training on replicas", () => {
  const folder = freshFolder();

  it("gives the bits of plain training with one replica, random layers and BatchNorm included", async () => {
    const path = writeRestless(folder(), "max_iter: 12 snapshot: 0");
    await using plain = await Solver.load(path, { threads: 1 });
    await using one = await Solver.load(path, { threads: 1, workers: 1, syncInterval: 5 });
    for await (const _ of train(plain));
    for await (const _ of train(one));
    expect(one.iteration).to.equal(12);
    expect(parameters(one)).to.deep.equal(parameters(plain));
  });

  for (const averaging of ["mean", "elastic"] as const) {
    it(`resumes from a snapshot to the bit, each replica with its own history and place (${averaging})`, async () => {
      const path = writeRestless(folder(), "max_iter: 12 snapshot: 6");
      const options = { threads: 1, workers: 2, syncInterval: 3, averaging };
      await using straight = await Solver.load(path, options);
      for await (const _ of train(straight));
      const snapshot = `${folder()}/snap_iter_6.solverstate`;
      await using resumed = await Solver.load(path, { ...options, snapshot });
      expect(resumed.iteration).to.equal(6);
      for await (const _ of train(resumed));
      expect(parameters(resumed)).to.deep.equal(parameters(straight));
    });
  }

  it("resumes with another number of workers from the mean history, and says so", async () => {
    const path = writeRestless(folder(), "max_iter: 12 snapshot: 6");
    await using two = await Solver.load(path, { workers: 2, syncInterval: 3 });
    await two.run(3);
    const { state } = await two.snapshot();
    const warnings: string[] = [];
    const onWarning = ({ message }: NetrunError) => warnings.push(message);
    await using one = await Solver.load(path, { snapshot: state, onWarning });
    expect(warnings).to.deep.equal(["a snapshot of 2 replicas is resumed with 1: all start from the mean history"]);
    expect(one.iteration).to.equal(3);
  });

  it("tests and takes snapshots after the round that passes their iteration", async () => {
    const path = writeRestless(folder(), "max_iter: 12 snapshot: 5");
    await using solver = await Solver.load(path, { workers: 1, syncInterval: 4 });
    const seen: string[] = [];
    for await (const { kind, iteration } of train(solver)) {
      if (kind === "test" || kind === "snapshot" || kind === "round") seen.push(`${kind} ${iteration}`);
    }
    expect(seen).to.deep.equal(["round 4", "round 8", "snapshot 8", "test 8", "round 12", "snapshot 12", "test 12"]);
  });

  it("with parts of each batch equals one replica on whole batches up to rounding: mirrored alike, in the same shuffled order", async () => {
    const net = `
      layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.004 mirror: true crop_size: 20 }
        data_param { source: "replaced" batch_size: 12 rand_skip: 40 } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
    const solver = `net_param { ${net} } base_lr: 0.1 lr_policy: "fixed" max_iter: 20 random_seed: 4 snapshot_after_train: false`;
    const data = { ...detectSource("netrun:digits/train"), shuffle: 3 } as SourceSpec;
    await using whole = await Solver.load(solver, { data, threads: 1 });
    await using shares = await Solver.load(solver, { data, workers: 3, syncInterval: 1, batchScaling: "strong" });
    for await (const _ of train(whole));
    for await (const _ of train(shares));
    const [expected, found] = [parameters(whole), parameters(shares)].map((all) => all.flatMap((each) => [...each]));
    for (const [i, value] of expected!.entries()) expect(found![i]).to.be.closeTo(value, 1e-6);
  });

  for (const [option, value, wanted] of [
    ["averaging", "median", "mean or elastic"],
    ["isolation", "vm", "thread or process"],
    ["batchScaling", "medium", "weak or strong"],
    ["onWorkerLoss", "ignore", "redo or drop"],
  ] as const) {
    it(`refuses a value that ${option} does not have`, async () => {
      const path = writeRestless(folder(), "max_iter: 12 snapshot: 0");
      const error = await Solver.load(path, { workers: 2, [option]: value }).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(NetrunError);
      const { message, notes } = error as NetrunError;
      expect([message, ...notes]).to.deep.equal([`${option}: "${value}"`, `it is ${wanted}`]);
    });
  }

  it("is an iterable of events in the API, which can be left", async () => {
    const solver = writeRestless(folder(), "max_iter: 12 snapshot: 0 snapshot_after_train: false");
    const rounds: RoundEvent[] = [];
    const events: TrainEvent["kind"][] = [];
    const options = {
      solver,
      data: "netrun:digits/test",
      workers: 2,
      syncInterval: 4,
      batchScaling: "strong",
    } as const;
    for await (const round of train({ ...options, onEvent: ({ kind }) => events.push(kind) })) {
      if (round.kind !== "round") continue;
      rounds.push(round);
      if (rounds.length === 2) break;
    }
    // Half of a batch of 24 for each replica.
    expect(rounds.map(({ iteration, iterations, rows }) => [iteration, iterations, rows])).to.deep.equal([
      [4, 4, 4 * 24],
      [8, 4, 4 * 24],
    ]);
    expect(rounds[1]!.imagesPerSecond).to.be.above(0);
    expect(events.filter((kind) => kind === "iteration")).to.have.length(8);
    expect(existsSync(`${folder()}/snap_iter_12.caffemodel`)).to.equal(false);
  });

  it("finds a sync interval with which averaging takes little time, and measures a baseline", async () => {
    const path = writeRestless(folder(), "max_iter: 30 snapshot: 0 snapshot_after_train: false");
    await using solver = await Solver.load(path, { workers: 1, syncInterval: "auto" });
    const events: TrainEvent[] = [];
    for await (const event of train(solver, { baseline: true })) events.push(event);
    const rounds = events.filter((event) => event.kind === "round");
    expect(rounds.slice(0, 2).map(({ iterations }) => iterations)).to.deep.equal([1, 5]);
    const found = events.find((event) => event.kind === "sync-interval")!;
    expect(found.interval).to.equal(Math.max(1, Math.ceil((19 * found.overheadMs) / found.iterationMs)));
    expect(rounds[2]!.iterations).to.equal(Math.min(found.interval, 24));
    const done = events.find((event) => event.kind === "done")!;
    const baseline = events.find((event) => event.kind === "baseline")!;
    expect(done.speedUp).to.be.closeTo(done.imagesPerSecond! / baseline.imagesPerSecond, 1e-9);
  });

  it("warns of partitions that are smaller than a round", async () => {
    const path = writeRestless(folder(), "max_iter: 12");
    const warnings: string[] = [];
    const onWarning = ({ message }: NetrunError) => warnings.push(message);
    const short =
      "partition 0 of 1 has 8000 rows, a round of 500 iterations takes 12000: it begins again within the round";
    await using _ = await Solver.load(path, { workers: 1, syncInterval: 500, onWarning });
    expect(warnings).to.deep.equal([short]);
    await using found = await Solver.load(path, { workers: 1, syncInterval: "auto", onWarning });
    expect(warnings).to.deep.equal([short]);
    // As training does it when it has found the interval.
    found.checkPartitions(500);
    expect(warnings).to.deep.equal([short, short]);
  });

  it("refuses values that make no sense", async () => {
    const path = writeRestless(folder(), "max_iter: 12");
    const refusal = async (options: object) => {
      const solver = await Solver.load(path, options).catch((error: NetrunError) => error.message);
      return typeof solver === "string" ? solver : "";
    };
    expect(await refusal({ workers: 0 })).to.equal("0 workers");
    expect(await refusal({ workers: 2, syncInterval: 0.5 })).to.equal("a sync interval of 0.5 iterations");
    expect(await refusal({ workers: 2, averaging: "elastic", alpha: 2 })).to.equal("an alpha of 2");
    expect(() => parallelOf({ syncInterval: 5 })).to.throw("--sync-interval without --workers");
    expect(() => parallelOf({ averageHistory: true })).to.throw("--average-history without --workers");
  });
});
