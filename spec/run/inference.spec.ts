import { expect } from "chai";
import { float32, input } from "../../lib/graph/index.js";
import { layoutOf, view } from "../../lib/net/layout.js";
import type { LoweredNet } from "../../lib/net/lower.js";
import { WeightWatch } from "../../lib/run/constants.js";
import { Inference } from "../../lib/run/inference.js";
import type { NetProgram } from "../../lib/run/model-program.js";
import type { Program } from "../../lib/run/program.js";
import { createWeights } from "../../lib/run/weights.js";
import { lowerText } from "../support/net.js";

const NET = `
  layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }`;

/** Runs of a net that only tell whether weights were fed or constants; and what became of its models with constants. */
function watched(change: (net: LoweredNet) => LoweredNet = (net) => net) {
  const net = change(lowerText(NET));
  const weights = createWeights(layoutOf(net), 1);
  const watch = new WeightWatch(weights);
  const seen: string[] = [];
  const running = (how: string) => async () => {
    seen.push(how);
    return undefined as never;
  };
  const program = {
    run: running("fed"),
    withConstants: () => {
      seen.push("made");
      return { run: running("constants"), [Symbol.asyncDispose]: running("ended") } as unknown as Program;
    },
  } as unknown as NetProgram;
  const inference = new Inference(program, net, weights, watch);
  const run = async (rows = 1) => {
    const shapes = new Map([["x", [rows, 2]]]);
    await inference.run({ blobs: ["y"] }, { data: {}, shapes, weights, draw: [1, 0] });
    return seen.splice(0);
  };
  const slot = [...weights.layout.slots.values()][0]!;
  const array = () => {
    watch.handOut(slot);
    return view(weights.data, slot);
  };
  return { run, array, watch };
}

describe("Inference", () => {
  it("makes weights constants at the first run, and keeps them", async () => {
    const { run, array } = watched();
    expect(await run()).to.deep.equal(["made", "constants"]);
    array();
    expect(await run()).to.deep.equal(["constants"]);
  });

  it("feeds weights right after they were written, and makes them constants again once they stay", async () => {
    const { run, array, watch } = watched();
    await run();
    const values = array();
    for (let i = 0; i < 2; i++) {
      values[0]! += 1;
      expect(await run()).to.deep.equal(i === 0 ? ["ended", "fed"] : ["fed"]);
    }
    expect(await run()).to.deep.equal(["made", "constants"]);
    watch.written();
    expect(await run()).to.deep.equal(["ended", "fed"]);
  });

  it("feeds weights for shapes that it meets for the first time after others", async () => {
    const { run } = watched();
    await run(1);
    expect(await run(2)).to.deep.equal(["fed"]);
    expect(await run(2)).to.deep.equal(["constants"]);
    expect(await run(1)).to.deep.equal(["fed"]);
  });

  it("feeds weights of nets that train, keep statistics or have recurrent state", async () => {
    const leaf = input("h", float32([1]));
    for (const change of [
      { phase: "TRAIN" as const },
      { states: new Map([["bn/0", leaf]]) },
      { carries: new Map([[leaf, leaf]]) },
      { files: [{ path: "f.h5", sets: {} }] },
    ]) {
      const { run } = watched((net) => ({ ...net, ...change }));
      expect([await run(), await run()]).to.deep.equal([["fed"], ["fed"]]);
    }
  });
});
