import { expect } from "chai";
import { FoldedWeights } from "../../lib/convert/folded-weights.js";
import { inferencePasses, type PassSettings } from "../../lib/convert/passes.js";

const context: PassSettings = {
  layers: [],
  fold: true,
  foldedWeights: new FoldedWeights(),
  openDims: false,
  halves: undefined,
  int8: undefined,
};
const int8 = { stored: new Map(), layers: [], left: new Map() } as unknown as PassSettings["int8"];
const names = (settings: Partial<PassSettings>) =>
  inferencePasses({ ...context, ...settings }, new Map()).passes.map(({ name }) => name);

describe("the passes of a conversion", () => {
  const always = ["weights", "drop-gradients", "fold-constants", "drop-neutral"];

  it("have names and an order", () => {
    expect(names({})).to.deep.equal([...always, "fold-affine"]);
    expect(names({ halves: new Map() })).to.deep.equal([...always, "fold-affine", "half"]);
    expect(names({ int8 })).to.deep.equal([...always, "fold-affine", "int8"]);
  });

  it("are as few as the settings ask for", () => {
    expect(names({ fold: false })).to.deep.equal(always);
  });
});
