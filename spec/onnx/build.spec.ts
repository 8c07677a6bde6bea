import { expect } from "chai";
import type { InferenceSession } from "onnxruntime-node";
import { float32, input } from "../../lib/graph/index.js";
import { buildSession } from "../../lib/onnx/build.js";
import { onnxruntime } from "../../lib/onnx/onnxruntime.js";
import type { SessionOptions } from "../../lib/onnx/session.js";
import { targetOf } from "../../lib/onnx/target-of.js";
import { mul } from "../../lib/ops/index.js";

describe("a session that is built", () => {
  /** Optimization of a session's graph that onnxruntime was told. */
  async function levelOf(options: SessionOptions): Promise<string | undefined> {
    const { InferenceSession: Library } = await onnxruntime();
    const { create } = Library;
    const levels: (string | undefined)[] = [];
    // The target's probe of the blocked kernels is no session of ours.
    await targetOf(options);
    Library.create = ((model: Uint8Array, given: InferenceSession.SessionOptions) => {
      levels.push(given.graphOptimizationLevel);
      return create.call(Library, model, given);
    }) as typeof create;
    try {
      const x = input("x", float32([2]));
      await using session = await buildSession({ name: "t", outputs: new Map([["y", mul(x, x)]]) }, options);
      expect([...(await session.run({ x: Float32Array.of(3, 4) }, ["y"]))["y"]!]).to.deep.equal([9, 16]);
    } finally {
      Library.create = create;
    }
    expect(levels).to.have.length(1);
    return levels[0];
  }

  it("runs the graph as the CPU's target wrote it; onnxruntime rewrites that of the portable one", async () => {
    expect(await levelOf({ portable: false })).to.equal("disabled");
    expect(await levelOf({ portable: true })).to.equal(undefined);
  });
});
