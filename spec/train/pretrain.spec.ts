import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import {
  Net,
  type PretrainEvent,
  type PretrainOptions,
  pretrain,
  pretrainPicture,
  Solver,
  type TrainEvent,
  type TrainReplicasOptions,
  train,
} from "../../lib/index.js";
import { failure } from "../support/failure.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { freshFolder } from "../support/folder.js";
import { prng } from "../support/prng.js";

const [VISIBLE, ROWS] = [6, 20];

const ip = (name: string, bottom: string, outputs: number) => `
  layer { name: "${name}" type: "InnerProduct" bottom: "${bottom}" top: "${name}"
          inner_product_param { num_output: ${outputs} weight_filler { type: "gaussian" std: 0.1 } } }`;
const unit = (name: string, type = "Sigmoid") =>
  `layer { name: "${name}/unit" type: "${type}" bottom: "${name}" top: "${name}" }`;
const inputs = `layer { name: "in" type: "Input" top: "data" top: "label"
  input_param { shape { dim: ${ROWS} dim: ${VISIBLE} } shape { dim: ${ROWS} } } }`;
const solverOf = (layers: string) =>
  `net_param { ${inputs} ${layers} } base_lr: 0.5 lr_policy: "fixed" max_iter: 30 random_seed: 3 snapshot_after_train: false`;

const CLASSIFIER =
  solverOf(`${ip("h1", "data", 4)} ${unit("h1")} ${ip("h2", "h1", 3)} ${unit("h2")} ${ip("score", "h2", 2)}
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }`);
const AUTOENCODER =
  solverOf(`${ip("e1", "data", 4)} ${unit("e1")} ${ip("code", "e1", 2)} ${ip("d1", "code", 4)} ${unit("d1")} ${ip("d2", "d1", VISIBLE)}
  layer { name: "silence" type: "Silence" bottom: "label" }
  layer { name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "d2" bottom: "data" top: "loss" }`);

/** Rows of two kinds: the first or the last half of the units is on, with a few units flipped. */
function patterns(): { readonly data: readonly number[]; readonly label: number }[] {
  const draw = prng(5);
  return Array.from({ length: ROWS }, (_, row) => {
    const label = row % 2;
    const on = (i: number) => Number(i < VISIBLE / 2) === label;
    return { data: Array.from({ length: VISIBLE }, (__, i) => Number(draw() < 0.08 ? !on(i) : on(i))), label };
  });
}

async function run(options: Partial<PretrainOptions>) {
  const events: PretrainEvent[] = [];
  for await (const event of pretrain({ solver: CLASSIFIER, data: patterns(), iterations: 200, ...options }))
    events.push(event);
  const done = events.at(-1)!;
  if (done.kind !== "pretrain-done") throw new Error("the pretraining did not end");
  return { events, done };
}

/** The exact mean of -log p(v) over the rows, by all states of the visible units. */
function negativeLogLikelihood(weights: Float32Array, c: Float32Array, b: Float32Array): number {
  const freeEnergy = (v: readonly number[]) => {
    let energy = 0;
    for (let i = 0; i < VISIBLE; i++) energy -= b[i]! * v[i]!;
    for (let j = 0; j < c.length; j++) {
      let x = c[j]!;
      for (let i = 0; i < VISIBLE; i++) x += weights[j * VISIBLE + i]! * v[i]!;
      energy -= Math.log1p(Math.exp(x));
    }
    return energy;
  };
  const states = Array.from({ length: 2 ** VISIBLE }, (_, s) =>
    Array.from({ length: VISIBLE }, (__, i) => (s >> i) & 1),
  );
  const partition = Math.log(states.reduce((sum, v) => sum + Math.exp(-freeEnergy(v)), 0));
  return patterns().reduce((sum, { data }) => sum + freeEnergy(data) + partition, 0) / ROWS;
}

describe("pretrain", () => {
  const kept = freshFolder();

  const folder = freshFolder();

  for (const [name, options] of Object.entries({
    "CD-1": {},
    "CD-3": { cdSteps: 3 },
    "persistent chains": { persistent: true },
  })) {
    it(`has the free energy of the data fall against that of all states, by ${name}`, async () => {
      const { done } = await run({ layers: ["h1"], ...options });
      const { weights, hiddenBias, visibleBias } = done.stack[0]!;
      const before = VISIBLE * Math.log(2);
      expect(negativeLogLikelihood(weights, hiddenBias, visibleBias)).to.be.below(0.75 * before);
    });
  }

  it("trains each layer on the activations of those before it, and says how it goes", async () => {
    const { events, done } = await run({});
    const [start] = events;
    expect(start).to.deep.equal({
      kind: "pretrain-start",
      iterations: 200,
      layers: [
        { layer: "h1", method: "rbm", visibleUnits: "binary", visible: 6, hidden: 4 },
        { layer: "h2", method: "rbm", visibleUnits: "binary", visible: 4, hidden: 3 },
      ],
    });
    const lines = events.filter(({ kind }) => kind === "pretrain-iteration");
    expect(lines).to.have.length(20);
    for (const event of events) {
      if (event.kind !== "pretrain-layer") continue;
      expect(event.reconstructionError, event.layer).to.be.below(event.first.reconstructionError);
      expect(event.freeEnergy).to.be.a("number");
    }
    expect([...done.weights.keys()]).to.deep.equal(["h1", "h2"]);
    expect(done.weights.get("h2")!.map(({ shape }) => shape)).to.deep.equal([[3, 4], [3]]);
  });

  it("gives the same weights for the same seed, and others for another", async () => {
    const bits = async (seed?: number) => [
      ...(await run({ iterations: 5, ...(seed !== undefined && { seed }) })).done.stack[1]!.weights,
    ];
    const first = await bits();
    expect(await bits()).to.deep.equal(first);
    expect(await bits(4)).to.not.deep.equal(first);
  });

  it("writes weights that training starts from", async () => {
    const output = join(folder(), "pretrained.caffemodel");
    const { done } = await run({ output });
    expect(done.path).to.equal(output);
    await using net = await Net.load(CLASSIFIER.replace(/^net_param \{([\s\S]*)\} base_lr.*$/, "$1"), {
      weights: output,
    });
    expect([...net.params.get("h1")![0]!.data]).to.deep.equal([...done.stack[0]!.weights]);
    const losses: number[] = [];
    for await (const event of train({ solver: CLASSIFIER, data: patterns(), weights: output })) {
      if (event.kind === "iteration") losses.push(event.loss);
    }
    expect(losses.at(-1)).to.be.below(losses[0]!);
  });

  for (const tied of [true, false]) {
    it(`trains denoising autoencoders with ${tied ? "tied weights" : "weights of the decoder's own"}`, async () => {
      const { events } = await run({ kind: "autoencoder", corruption: 0.2, rate: 0.5, tied });
      for (const event of events) {
        if (event.kind !== "pretrain-layer") continue;
        expect(event.reconstructionError, event.layer).to.be.below(event.first.reconstructionError);
        expect(event.freeEnergy).to.equal(undefined);
      }
    });
  }

  it("goes on with the layer that it was killed in, to the same weights, and begins again with other settings", async () => {
    const output = join(kept(), "dbn.caffemodel");
    const data = join(kept(), "rows.arrow");
    await saveRows(data, patterns());
    const layers = CLASSIFIER.replace(
      /type: "Input"[^}]*\}[^}]*\}[^}]*\}/,
      `type: "Data" top: "label" top: "data" data_param { source: "${data}" batch_size: ${ROWS} }`,
    );
    const solver = layers;
    const options = { solver, data: undefined, iterations: 30 };
    const whole = await run(options);
    for await (const { kind } of pretrain({ ...options, output })) if (kind === "pretrain-layer") break;
    expect(readdirSync(kept()).sort()).to.deep.equal(["dbn.caffemodel.part", "rows.arrow"]);
    const rest = await run({ ...options, output });
    const begun = (all: readonly PretrainEvent[]) =>
      all.flatMap((e) => (e.kind === "pretrain-iteration" && e.iteration === 0 ? [e.layer] : []));
    expect([begun(whole.events), begun(rest.events)]).to.deep.equal([["h1", "h2"], ["h2"]]);
    expect(rest.events.filter(({ kind }) => kind === "pretrain-layer")).to.deep.equal(
      whole.events.filter(({ kind }) => kind === "pretrain-layer"),
    );
    expect(rest.done.stack).to.deep.equal(whole.done.stack);
    expect(rest.done.weights).to.deep.equal(whole.done.weights);
    expect(readdirSync(kept()).sort()).to.deep.equal(["dbn.caffemodel", "rows.arrow"]);
    for await (const { kind } of pretrain({ ...options, output })) if (kind === "pretrain-layer") break;
    expect(begun((await run({ ...options, rate: 0.2, output })).events)).to.deep.equal(["h1", "h2"]);
  });

  describe("in a solver", () => {
    const PRETRAIN = "pretrain { iterations: 40 base_lr: 0.2 cd_steps: 2 persistent: true }";
    const folder = freshFolder();

    async function trained(fields: string, options: Partial<TrainReplicasOptions> = {}, net = CLASSIFIER) {
      const events: TrainEvent[] = [];
      await using solver = await Solver.load(`${net} ${fields}`, { data: patterns(), ...options });
      for await (const event of train(solver, options)) events.push(event);
      const [weights] = solver.net.params.get("h2")!;
      const steps = events.flatMap((event) => (event.kind === "pretraining" ? [`${event.layer} ${event.step}`] : []));
      return { events, steps, weights: [...weights!.data], solver };
    }

    it("comes before the first iteration, as its message says", async () => {
      const { events, steps, weights } = await trained(PRETRAIN, { settings: { max_iter: 0 } });
      expect(events[0]!.kind).to.equal("start");
      expect(steps.length).to.equal(20);
      expect([steps[0], steps.at(-1)]).to.deep.equal(["h1 0", "h2 36"]);
      const { done } = await run({ iterations: 40, rate: 0.2, cdSteps: 2, persistent: true });
      expect(weights).to.deep.equal([...done.weights.get("h2")![0]!.data]);
      const asked = await run({ solver: `${CLASSIFIER} ${PRETRAIN}`, iterations: undefined });
      expect([...asked.done.weights.get("h2")![0]!.data]).to.deep.equal(weights);
      const fine = await trained(PRETRAIN);
      expect(fine.weights).not.to.deep.equal(weights);
      expect(fine.events.at(-1)).to.deep.include({ kind: "done", iteration: 30 });
    });

    it("is skipped where weights are given, and leaves nothing where it is stopped", async () => {
      const weights = join(folder(), "given.caffemodel");
      await run({ iterations: 10, output: weights });
      expect((await trained(PRETRAIN, { weights })).steps).to.deep.equal([]);
      let asked = 0;
      const stopped = await trained(PRETRAIN, {
        settings: { snapshot_after_train: true, snapshot_prefix: join(folder(), "s") },
        action: () => (++asked > 50 ? "stop" : "none"),
      });
      expect(stopped.events.at(-1)).to.deep.equal({ kind: "done", iteration: 0, stopped: "asked", skipped: 0 });
      expect(stopped.steps).to.include("h2 0");
      expect(readdirSync(folder())).to.deep.equal(["given.caffemodel"]);
    });

    it("goes on where it was stopped, and keeps its weights beside the snapshots", async () => {
      const data = join(folder(), "rows.arrow");
      await saveRows(data, patterns());
      const settings = { snapshot_after_train: true, snapshot_prefix: join(folder(), "s"), max_iter: 0 };
      let asked = 0;
      const text = CLASSIFIER.replace(
        /layer \{ name: "in"[^\n]*\n[^\n]*\n/,
        `layer { name: "in" type: "Data" top: "label" top: "data" data_param { source: "${data}" batch_size: ${ROWS} } }\n`,
      );
      const options = { data: undefined, settings };
      await trained(PRETRAIN, { ...options, action: () => (++asked > 50 ? "stop" : "none") }, text);
      expect(readdirSync(folder())).to.include("s_pretrained.caffemodel.part");
      const { steps, weights } = await trained(PRETRAIN, options, text);
      expect(steps).to.have.length(10).and.to.include("h2 0");
      expect(weights).to.deep.equal((await trained(PRETRAIN, { ...options, settings: { max_iter: 0 } }, text)).weights);
      expect(readdirSync(folder()))
        .to.include("s_pretrained.caffemodel")
        .and.not.to.include("s_pretrained.caffemodel.part");
    });

    it("is refused for values that it does not take", async () => {
      await failure(trained("pretrain { cd_steps: 0 }"), "cdSteps is 0");
      await failure(trained("pretrain { layer: 'h3' }"), "h3");
      await failure(trained("pretrain { kind: DBN }"), "DBN");
    });
  });

  it("unrolls a deep autoencoder: the decoder gets the transposed weights and the visible biases", async () => {
    const { events, done } = await run({ solver: AUTOENCODER });
    const [start] = events;
    if (start?.kind !== "pretrain-start") throw new Error("no start");
    expect(start.layers.map(({ layer, decoder }) => [layer, decoder])).to.deep.equal([
      ["e1", "d2"],
      ["code", "d1"],
    ]);
    const [w, visibleBias] = done.weights.get("d2")!;
    const { weights, visibleBias: b } = done.stack[0]!;
    expect(w!.shape).to.deep.equal([VISIBLE, 4]);
    for (let i = 0; i < VISIBLE; i++)
      for (let j = 0; j < 4; j++) expect(w!.data[i * 4 + j]).to.equal(weights[j * VISIBLE + i]);
    expect([...visibleBias!.data]).to.deep.equal([...b]);
    // The code is linear: Gaussian units.
    expect(done.stack[1]!.activation).to.equal(undefined);
  });

  it("takes data through Flatten as the data that it is, with its shape", async () => {
    const flat = CLASSIFIER.replace(`dim: ${VISIBLE}`, "dim: 1 dim: 2 dim: 3").replace(
      'bottom: "data"',
      'bottom: "flat"',
    );
    const at = flat.indexOf('layer { name: "h1"');
    const layers = `${flat.slice(0, at)} layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" } ${flat.slice(at)}`;
    const { events, done } = await run({ solver: layers, layers: ["h1"], iterations: 5 });
    const [start] = events;
    if (start?.kind !== "pretrain-start") throw new Error("no start");
    expect(start.layers[0]!.visibleUnits).to.equal("binary");
    expect(done.data.shape).to.deep.equal([ROWS, 1, 2, 3]);
  });

  it("draws data, reconstructions, samples and weights", async () => {
    const { done } = await run({ iterations: 20 });
    const png = await pretrainPicture(done.stack, { ...done.data, shape: [ROWS, 1, 2, 3] });
    const { default: sharp } = await import("sharp");
    const { width, height } = await sharp(png).metadata();
    // Four lines of 16 images of 3 x 2 with gaps of 2, each pixel twice.
    expect([width, height]).to.deep.equal([2 * (16 * 5 + 2), 2 * (4 * 4 + 2)]);
    await failure(pretrainPicture(done.stack, done.data), "does not consist of images");
  });

  it("refuses data that is not between 0 and 1 for binary units, and takes it for Gaussian ones", async () => {
    const data = patterns().map((row) => ({ ...row, data: row.data.map((value) => 3 * value - 1) }));
    await failure(run({ data }), 'blob "data" has values from -1 to 2: binary units are between 0 and 1');
    const { events } = await run({ data, visible: "gaussian", rate: 0.02 });
    const done = events.find(({ kind }) => kind === "pretrain-layer");
    if (done?.kind !== "pretrain-layer") throw new Error("no layer");
    expect(done.reconstructionError).to.be.below(done.first.reconstructionError);
  });

  it("refuses options of the other kind, which would change nothing", async () => {
    await failure(run({ corruption: 0.1 }), "corruption has no effect: it is for autoencoders");
    await failure(run({ kind: "autoencoder", persistent: true }), "persistent has no effect: it is for machines");
  });

  it("refuses layers that are not there, activations that no RBM has and nets without such layers", async () => {
    await failure(run({ layers: ["h3"] }), 'no InnerProduct "h3" to pretrain');
    await failure(
      run({ solver: CLASSIFIER.replace('type: "Sigmoid"', 'type: "ReLU"') }),
      "its activation is ReLU, which no RBM has",
    );
    const linear = solverOf(
      `${ip("score", "data", 2)} layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }`,
    );
    await failure(run({ solver: linear }), "the net has no layer to pretrain");
    await failure(run({ corruption: 1.5 }), "corruption");
  });
});
