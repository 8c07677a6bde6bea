import { join } from "../../lib/engine/spark/choice.js";
import type { Launched } from "../../lib/engine/spark/launch.js";
import { BRIEF, type SharedCluster, SparkCluster, whyNoSpark } from "../support/spark.js";
import { dataFrameSpecs } from "./spark/data-frames.js";
import { deathSpecs } from "./spark/deaths.js";
import { engineSpecs } from "./spark/engine.js";
import { modeSpecs } from "./spark/modes.js";
import { pageSpecs } from "./spark/page.js";
import { signalSpecs } from "./spark/signals.js";
import { absentStateSpecs, stateSpecs } from "./spark/states.js";
import { waitSpecs } from "./spark/waits.js";

const why = whyNoSpark();

// One cluster, and one application where that is enough: each takes seconds to start.
describe(`a Spark cluster${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  let cluster: SparkCluster;

  before(async function () {
    if (why !== undefined) this.skip();
    cluster = await SparkCluster.start();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  describe("with one application", () => {
    let shared: SharedCluster;
    let application: Launched | undefined;
    before(async () => {
      const engine = cluster.engine({ ...BRIEF, "spark.sql.shuffle.partitions": "4" });
      application = await join(engine);
      shared = { cluster, engine };
    });
    after(() => application?.close());

    describe("as an engine", () => engineSpecs(() => shared));
    describe("each way of training, and what is lost there", () => modeSpecs(() => shared));
    describe("executors that die with states of megabytes", () => stateSpecs(() => shared));
    describe("DataFrames", () => dataFrameSpecs(() => shared));
    describe("a wait without an end", () => waitSpecs(() => shared));
  });

  describe("executors that die with states which the driver has not", () => absentStateSpecs(() => cluster));
  describe("whatever of a training dies", () => deathSpecs(() => cluster));
  describe("a training that a signal ends", () => signalSpecs(() => cluster));
  describe("its page", () => pageSpecs());
});
