import { expect } from "chai";
import { type CatalogEntry, catalog } from "../../lib/layers/index.js";

const entry = (type: string): CatalogEntry => catalog().find((each) => each.type === type)!;
const field = (type: string, name: string) =>
  entry(type)
    .params.flatMap(({ fields }) => fields)
    .find((each) => each.name === name);

describe("catalog of layers", () => {
  it("has all 61 layer types of Caffe, 129 of its forks and one of its own", () => {
    expect(catalog()).to.have.length(61 + 129 + 1);
  });

  it("says how many bottoms and tops a type takes, and which parameters", () => {
    const { bottoms, tops, loss, params } = entry("SoftmaxWithLoss");
    expect({ bottoms, tops, loss }).to.deep.equal({ bottoms: "2", tops: "1 or 2", loss: true });
    expect(params.map(({ field }) => field)).to.deep.equal(["softmax_param", "loss_param"]);
    expect(entry("Convolution").tops).to.equal("at least 1, one a bottom");
    expect(entry("Silence").params).to.deep.equal([]);
  });

  it("has the schema's types and defaults", () => {
    expect(field("Pooling", "pool")).to.deep.equal({
      name: "pool",
      type: "MAX | AVE | STOCHASTIC",
      repeated: false,
      default: "MAX",
    });
    expect(field("Convolution", "kernel_size")).to.deep.equal({
      name: "kernel_size",
      type: "uint32",
      repeated: true,
      default: undefined,
    });
  });
});
