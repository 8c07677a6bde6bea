import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { csvLines, jsonLine, readCsvLine, readJsonLine } from "../../lib/train/event-log.js";
import { eventSchemas, parseEvent, type TrainEvent } from "../../lib/train/events.js";
import { Solver } from "../../lib/train/solver.js";
import { train } from "../../lib/train/train.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";
import { writeRestless } from "../support/training.js";

async function eventsOf(what: Parameters<typeof train>[0]): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of train(what)) all.push(event);
  return all;
}

/** Kinds in order; the parts of a test follow from the number of replicas. */
const kinds = (all: readonly TrainEvent[]) =>
  all.map(({ kind }) => kind).filter((kind) => !["round", "test-progress"].includes(kind));

const SPREAD = { meanAbs: 1, mean: 0.5, std: 1, min: -1, max: 2, counts: [1, 0, 2] };

/** One event of each kind that a short training does not have. */
const RARE: readonly TrainEvent[] = [
  { kind: "snapshot-failed", iteration: 3, error: { message: "disk full" } },
  { kind: "best", iteration: 3, metric: "accuracy", value: 0.5, path: "s_best.caffemodel" },
  { kind: "replica-lost", iteration: 3, round: 1, replica: 2, reason: "thread: exit 1", remedy: "redone" },
  { kind: "sync-interval", iteration: 3, interval: 7, iterationMs: 0.5, overheadMs: 0.25 },
  { kind: "threads", iteration: 3, threads: 1, tried: [{ passMs: 0.5 }, { threads: 1, passMs: 0.25 }] },
  { kind: "baseline", iteration: 0, imagesPerSecond: 1000.5 },
  { kind: "warning", iteration: 3, message: "few rows", notes: ["use fewer workers"] },
  { kind: "memory", iteration: 3, resident: 2 ** 28, processes: 3, device: 2 ** 30 },
  { kind: "loss", iteration: 3 },
  { kind: "pretraining", iteration: 0, layer: "ip", step: 9, loss: 0.5, reconstructionError: 0.25, freeEnergy: -1.5 },
  { kind: "control", iteration: 3, action: "rate", from: "dashboard", factor: 0.1, rate: 0.001 },
  {
    kind: "layer-statistics",
    iteration: 3,
    parameters: [{ layer: "ip", param: 0, values: SPREAD, gradients: SPREAD, updates: SPREAD, ratio: -3 }],
    activations: [{ layer: "ip", blob: "ip", ...SPREAD, zeros: 0.5 }],
  },
];

describe("events of a training", () => {
  const folder = freshFolder();
  const FIELDS = "max_iter: 5 snapshot: 4 debug_info: true";

  it("are the same whatever it runs on", async () => {
    const path = writeRestless(folder(), FIELDS);
    await using here = await Solver.load(path);
    const local = await eventsOf(here);
    const replicas = await eventsOf({ solver: path, workers: 1, syncInterval: 1 });
    expect(kinds(replicas)).to.deep.equal(kinds(local));
    expect(replicas[0]).to.deep.include({ kind: "start", v: 1, iteration: 0 });
    expect(local[0]).to.deep.include({ replicas: { count: 1, isolation: "local" } });
  });

  it("survive JSON, each with its schema, and both log files", async () => {
    const all = [
      ...(await eventsOf({ solver: writeRestless(folder(), FIELDS), workers: 2, syncInterval: 2 })),
      ...RARE,
    ];
    expect([...new Set(all.map(({ kind }) => kind))].sort()).to.deep.equal(Object.keys(eventSchemas).sort());
    for (const event of all) {
      expect(parseEvent(JSON.parse(JSON.stringify(event)))).to.deep.equal(event);
      const logged = { seconds: 1.5, event };
      expect(readJsonLine(jsonLine(logged))).to.deep.equal(logged);
      for (const line of csvLines(logged).split("\n").slice(0, -1))
        expect(readCsvLine(line)).to.include({ seconds: 1.5, iteration: event.iteration });
    }
  });

  it("have null in JSON for a number that is not finite, and NaN again when they are read", () => {
    const event = { kind: "test", iteration: 2, net: 0, outputs: { accuracy: [Number.NaN, 1] }, loss: Number.NaN };
    expect(parseEvent(JSON.parse(JSON.stringify(event)))).to.deep.equal(event);
    expect(readJsonLine(jsonLine({ seconds: 0, event: event as TrainEvent }))?.event).to.deep.equal(event);
  });

  it("have the documented names in a JSON log", () => {
    const event: TrainEvent = {
      kind: "iteration",
      iteration: 3,
      loss: 1,
      smoothedLoss: 2,
      rate: 0.1,
      rows: 24,
      times: { dataWaitMs: 1, gradientMs: 2, updateMs: 3 },
      display: false,
      outputs: {},
    };
    expect(JSON.parse(jsonLine({ seconds: 1, event }))).to.deep.equal({
      ...{ seconds: 1, event: "iteration", iteration: 3, loss: 1, smoothed_loss: 2, lr: 0.1, rows: 24 },
      ...{ data_wait_ms: 1, gradient_ms: 2, update_ms: 3, display: false, outputs: {} },
    });
  });

  it("are refused if damaged or of another version, and skipped if unknown", () => {
    const bad = { kind: "test", iteration: 1, net: 0, outputs: { loss: ["a"] }, loss: 1 };
    expect(() => parseEvent(bad)).to.throw('the event "test" is damaged: outputs.loss.0: ');
    expect(() => parseEvent({ kind: "tset" })).to.throw('not an event of a training: kind "tset"');
    expect(() => parseEvent(null)).to.throw("not an event of a training");
    expect(() => readJsonLine('{"event":"start","v":2}')).to.throw("a log of version 2, this netrun reads version 1");
    expect(readJsonLine('{"event":"of tomorrow","seconds":1}')).to.equal(undefined);
    expect(() => readCsvLine("1,2,train,0,loss,")).to.throw("not a line of the columns");
  });

  it("are all in docs/events.md, with every field", () => {
    const text = readFileSync(join(root, "docs", "events.md"), "utf8");
    for (const [kind, { entries }] of Object.entries(eventSchemas)) {
      const section = text.split(/^## /m).find((each) => each.startsWith(`${kind}\n`)) ?? "";
      expect(section, `section "${kind}"`).not.to.equal("");
      for (const field of Object.keys(entries).filter((name) => name !== "kind" && name !== "iteration"))
        expect(section, `${kind}: ${field}`).to.contain(`\`${field}\``);
    }
  });
});
