import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect } from "chai";
import { Net, Solver, type SolverOptions, train } from "../../lib/index.js";
import { failure } from "../support/failure.js";

const NET = `
  layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 2 dim: 1 dim: 1 dim: 3 } shape { dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
          inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
`;
const SOLVER = `net_param { ${NET} } base_lr: 0.1 lr_policy: "fixed" max_iter: 4 random_seed: 3 snapshot_after_train: false`;

/** Rows as a list; the label's kind is up to the caller. */
const list = (labels: readonly unknown[]) => labels.map((label, i) => ({ data: [i, 1, 2], label }));

async function* stream(labels: readonly unknown[]) {
  for (const row of list(labels)) yield row;
}

describe("rows in place of data", () => {
  const losses = async (options: SolverOptions): Promise<readonly number[]> => {
    const solver = await Solver.load(SOLVER, options);
    try {
      return await solver.step(4);
    } finally {
      await solver[Symbol.asyncDispose]();
    }
  };

  it("go to blobs by name where they can, and what is left in order", async () => {
    await using net = await Net.load(NET, { data: [{ kind: 2, data: [0, 1, 2] }] });
    const blobs = await net.forward();
    expect([...blobs["data"]!.data]).to.deep.equal([0, 1, 2, 0, 1, 2]);
    expect([...blobs["label"]!.data]).to.deep.equal([2, 2]);
  });

  it("come from lists and async iterables alike, are matched by name and given the blob's shape", async () => {
    await using net = await Net.load(NET, { data: stream([2, 0, 1]) });
    const blobs = await net.forward();
    expect(blobs["data"]!.shape).to.deep.equal([2, 1, 1, 3]);
    expect([...blobs["data"]!.data]).to.deep.equal([0, 1, 2, 1, 1, 2]);
    expect([...blobs["label"]!.data]).to.deep.equal([2, 0]);
    expect(await losses({ data: stream([0, 1, 2]) })).to.deep.equal(await losses({ data: list([0, 1, 2]) }));
  });

  it("may come from a function, and their errors are reported", async () => {
    expect(await losses({ data: () => stream([0, 1, 2]) })).to.deep.equal(await losses({ data: list([0, 1, 2]) }));
    const broken = async function* () {
      yield { data: [1, 2, 3], label: 0 };
      throw new Error("the server is gone");
    };
    await failure(losses({ data: broken }), "reading the rows failed: Error: the server is gone");
    await failure(losses({ data: { rows: 3 } as never }), "neither a path, a source nor an iterable of rows");
  });

  it("start over when they end, inside a batch too", async () => {
    await using net = await Net.load(NET, { data: stream([2, 0, 1]) });
    await net.forward();
    expect([...(await net.forward())["label"]!.data]).to.deep.equal([1, 2]);
  });

  it("may have texts as labels, which are numbered in their order", async () => {
    await using net = await Net.load(NET, { data: stream(["cat", "ant"]) });
    expect([...(await net.forward())["label"]!.data]).to.deep.equal([1, 0]);
  });

  it("train several replicas, and test", async () => {
    const rounds = [];
    const testData = stream([0, 1]);
    for await (const round of train({
      solver: SOLVER,
      workers: 2,
      syncInterval: 2,
      data: stream([0, 1, 2, 0]),
      testData,
    }))
      if (round.kind === "round") rounds.push(round.iteration);
    expect(rounds).to.deep.equal([2, 4]);
  });

  it("name row and column of what does not fit, or leave it out on request", async () => {
    const rows = () => [
      { data: [1, 2, 3], label: 0 },
      { data: [1, 2], label: 0 },
      { data: [3, 2, 1], label: 1 },
    ];
    await failure(
      losses({ data: rows() }),
      'row 1: column "data" has 2 values\nnote: a tensor of the shape [3] was wanted',
    );
    expect(await losses({ data: rows(), onBadRecord: "skip" })).to.have.length(4);
    await failure(losses({ data: stream([0, 7]) }), 'row 1: "label": the label 7 is out of range');
    await failure(losses({ data: [] }), "there are no rows");
    await failure(losses({ data: [{ data: [1, 2], label: 0 }] }), 'the blob "data" wants rows of [1,1,3]');
  });

  it("leave no files", async () => {
    const files = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("netrun-rows-"));
    const before = files();
    const net = await Net.load(NET, { data: list([0, 1]) });
    expect(files()).to.have.length(before.length + 1);
    await net[Symbol.asyncDispose]();
    await failure(Net.load(NET, { data: [{ data: [1], label: 0 }] }), "wants rows of");
    expect(files()).to.have.members(before);
  });
});
