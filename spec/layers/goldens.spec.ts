import { checkLayer } from "../support/golden-layer.js";
import { goldenCases } from "../support/shared.js";

describe("layers, against what Caffe computed", () => {
  for (const name of goldenCases("layers")) {
    it(name, () => checkLayer(name));
  }
});
