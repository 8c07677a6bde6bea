import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { ReplicaState } from "../../lib/engine/engine.js";
import { restoreReplicas, sideReplicas, writeReplicas } from "../../lib/train/replica-file.js";
import { hashFile, type SideState } from "../../lib/train/side-state.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

const replica = (value: number): ReplicaState => ({
  history: [Float32Array.of(value, value)],
  positions: [8],
  carries: {},
  weights: Float32Array.of(value, 2, 3),
});

describe("the replicas of a snapshot", () => {
  const folder = freshFolder();
  const state = () => join(folder(), "s_iter_4.solverstate");
  const file = () => join(folder(), "s_iter_4.netrunreplicas");

  /** The side state that goes with what is in the file now. */
  function side(replicas: readonly ReplicaState[]): SideState {
    writeFileSync(state(), "");
    return {
      version: 2,
      iteration: 4,
      seed: 1,
      positions: [8],
      replicas: sideReplicas(replicas),
      testPositions: [],
      losses: [],
      rate: { step: 0, at: 4, minimum: null, since: 0 },
      files: { model: "0".repeat(64), state: hashFile(state()), replicas: hashFile(file()) },
    };
  }
  const restore = (found: SideState) =>
    restoreReplicas(state(), replica(0), { count: 2, side: found, length: 3, warn: () => {} });

  it("come back as they were", () => {
    const replicas = [replica(1), replica(2)];
    writeReplicas(file(), replicas);
    expect(restore(side(replicas))).to.deep.equal(replicas);
  });

  it("are refused where their file is of another snapshot, with as many bytes", async () => {
    writeReplicas(file(), [replica(1), replica(2)]);
    const found = side([replica(1), replica(2)]);
    writeReplicas(file(), [replica(1), replica(3)]);
    await failure((async () => restore(found))(), "not of the same snapshot: it does not go with");
  });

  it("are refused where their file is cut off or longer", async () => {
    writeReplicas(file(), [replica(1), replica(2)]);
    const found = side([replica(1), replica(2)]);
    writeFileSync(file(), new Uint8Array(39));
    await failure((async () => restore(found))(), "has 39 bytes, not 40");
    writeFileSync(file(), new Uint8Array(44));
    await failure((async () => restore(found))(), "has 44 bytes, not 40");
  });
});
