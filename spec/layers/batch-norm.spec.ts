import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("BatchNorm", () => {
  it("refuses a blob without channels", () => {
    expect(refusal(`${inputLayer("x", 4)}layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" }`)).to.equal(
      'net:2:45: layer "l": bottom "x" [4] has no channels, axis 1',
    );
  });

  it("refuses to learn its statistics", () => {
    expect(
      refusal(
        `${inputLayer("x", 4, 2)}layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" param { lr_mult: 0 } param { lr_mult: 1 } }`,
      ),
    ).to.equal(
      [
        'net:2:58: layer "l": running statistics are not trained: their lr_mult is 0',
        "note: leave param out, or set lr_mult: 0 in each",
      ].join("\n"),
    );
  });

  const text = (param: string) =>
    `${inputLayer("x", 2, 1)}layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { ${param} } }`;

  it("adds the batch's statistics to the running blobs, which fade by moving_average_fraction", async () => {
    await using net = await Net.load(text("moving_average_fraction: 0.5 eps: 0"), { name: "net", phase: "TRAIN" });
    const [mean, variance, weight] = net.params.get("l")!;
    await net.forward({ x: tensor([1, 3], [2, 1]) });
    expect([mean!.data[0], variance!.data[0], weight!.data[0]]).to.deep.equal([2, 2, 1]);
    const { y } = await net.forward({ x: tensor([0, 8], [2, 1]) });
    expect([mean!.data[0], variance!.data[0], weight!.data[0]]).to.deep.equal([5, 33, 1.5]);
    expect([...y!.data]).to.deep.equal([-1, 1]);
  });

  it("does not add what a backward computes again", async () => {
    await using net = await Net.load(text(""), { name: "net", phase: "TRAIN" });
    await net.forward({ x: tensor([1, 3], [2, 1]) });
    await net.backward({ y: tensor([1, 2], [2, 1]) });
    expect(net.params.get("l")![2]!.data[0]).to.equal(1);
  });

  it("divides the running blobs by their weight in TEST, and leaves them", async () => {
    const params = { "l/0": [6], "l/1": [8], "l/2": [2] };
    const { blobs } = await runText(text("eps: 0"), { x: tensor([3, 7], [2, 1]) }, { params });
    expect([...blobs["y"]!.data]).to.deep.equal([0, 2]);
  });

  it("takes statistics of weight 0 for 0", async () => {
    const { blobs } = await runText(text("eps: 4"), { x: tensor([3, 7], [2, 1]) }, { params: { "l/0": [6] } });
    expect([...blobs["y"]!.data]).to.deep.equal([1.5, 3.5]);
  });

  it("does as use_global_stats says in either phase", async () => {
    const x = tensor([1, 3], [2, 1]);
    const train = await runText(text("eps: 1 use_global_stats: true"), { x }, { phase: "TRAIN" });
    expect([...train.blobs["y"]!.data]).to.deep.equal([1, 3]);
    const test = await runText(text("eps: 0 use_global_stats: false"), { x });
    expect([...test.blobs["y"]!.data]).to.deep.equal([-1, 1]);
  });

  it("has the statistics of several layers that share them follow one another", async () => {
    const shared = (name: string, top: string) =>
      `layer { name: "${name}" type: "BatchNorm" bottom: "x" top: "${top}" ${["a", "b", "c"].map((n) => `param { name: "${n}" lr_mult: 0 }`).join(" ")} batch_norm_param { moving_average_fraction: 0.5 } }`;
    const net = `${inputLayer("x", 2, 1)}${shared("l", "y")}${shared("m", "z")}`;
    await using loaded = await Net.load(net, { name: "net", phase: "TRAIN" });
    await loaded.forward({ x: tensor([1, 3], [2, 1]) });
    expect(loaded.params.get("l")!.map(({ data }) => data[0])).to.deep.equal([3, 3, 1.5]);
  });
});
