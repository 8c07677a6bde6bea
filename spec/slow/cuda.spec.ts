import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { stepNets } from "../../bench/step/nets.js";
import { type ConvertOptions, convert } from "../../lib/convert/index.js";
import { updateRules } from "../../lib/optim/rules.js";
import { buildStub, type StubApp, whyNoStub } from "../cuda-stub/build.js";
import type { Task } from "../cuda-stub/place.js";
import type { TrainingTask } from "../cuda-stub/train.js";
import { byTask, type Placement, placementOf, type Traffic, trafficOf } from "../cuda-stub/placements.js";
import { anyWeights } from "../support/any-weights.js";
import { freshFolder } from "../support/folder.js";
import { type Case, caseNet, layerCases } from "../support/layer-cases.js";
import { describeShared, root, sharedPath } from "../support/shared.js";

/** Outcome of a task. */
interface Placed {
  /** Undefined where no session could be made. */
  readonly placement: Placement | undefined;
  readonly runs: ReadonlyMap<number, Traffic>;
  readonly error: string | undefined;
}

/** Places and runs models in one process, by their names. */
function place(app: StubApp, tasks: readonly Task[]): ReadonlyMap<string, Placed> {
  const { stdout, stderr, calls } = app.run("place.js", tasks);
  const errors = new Map(
    stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => {
        const { name, error } = JSON.parse(line) as { name: string; error: string };
        return [name, error] as const;
      }),
  );
  const [logs, made] = [byTask(stderr.split("\n")), byTask(calls)];
  return new Map(
    tasks.map(({ name }) => {
      const runs = trafficOf(made.get(name) ?? []);
      return [name, { placement: placementOf(logs.get(name) ?? []), runs, error: errors.get(name) }] as const;
    }),
  );
}

/** Nodes and copies off the device, by model: op types on the CPU and how many copies; those that lie on CUDA as a whole are left out. */
const exceptions = (placed: ReadonlyMap<string, Placed>) =>
  Object.fromEntries(
    [...placed].flatMap(([name, { placement, error }]) => {
      if (placement === undefined) return [[name, error ?? "no session"]];
      const { cpu, copies } = placement;
      return cpu.length > 0 || copies > 0 ? [[name, `${[...cpu].sort().join(" ")}, ${copies} copies`]] : [];
    }),
  );

const input = (name: string, ...dims: readonly number[]) =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims.map((dim) => `dim: ${dim}`).join(" ")} } } }`;

/** A net with what is carried between iterations and what is drawn: recurrent state, running statistics, dropout. */
const RESTLESS = `${input("data", 8, 2)} ${input("cont", 8, 2)} ${input("label", 16)}
  layer { name: "embed" type: "Embed" bottom: "data" top: "embed" embed_param { input_dim: 20 num_output: 6 weight_filler { type: "xavier" } } }
  layer { name: "lstm" type: "LSTM" bottom: "embed" bottom: "cont" top: "lstm" recurrent_param { num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "rows" type: "Reshape" bottom: "lstm" top: "rows" reshape_param { shape { dim: 16 dim: 5 } } }
  layer { name: "bn" type: "BatchNorm" bottom: "rows" top: "bn" }
  layer { name: "scale" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
  layer { name: "drop" type: "Dropout" bottom: "bn" top: "bn" }
  layer { name: "ip" type: "InnerProduct" bottom: "bn" top: "ip" inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;

/** Images that are cropped, mirrored and made values on the device. */
const BYTES: Task["byteRows"] = {
  data: {
    top: "data",
    shape: [3, 256, 256],
    transform: { scale: 0.5, mirror: true, cropSize: 227, meanValues: [104, 117, 123] },
    mean: undefined,
  },
};

/** A net of the repository. */
const model = (name: string) => readFileSync(join(root, "models", name, "train_test.prototxt"), "utf8");

const PUBLISHED = {
  "bvlc/examples+mnist+lenet_train_test": { data: [64, 1, 28, 28], label: [64] },
  "bvlc/examples+mnist+mnist_autoencoder": { data: [100, 1, 28, 28] },
  "bvlc/examples+siamese+mnist_siamese_train_test": { pair_data: [64, 2, 28, 28], sim: [64] },
  "bvlc/examples+cifar10+cifar10_quick_train_test": { data: [100, 3, 32, 32], label: [100] },
  "bvlc/examples+cifar10+cifar10_full_train_test": { data: [100, 3, 32, 32], label: [100] },
  "bvlc/examples+cifar10+cifar10_full_sigmoid_train_test": { data: [100, 3, 32, 32], label: [100] },
  "bvlc/examples+cifar10+cifar10_full_sigmoid_train_test_bn": { data: [100, 3, 32, 32], label: [100] },
  "bvlc/examples+hdf5_classification+nonlinear_train_val": { data: [10, 4], label: [10] },
  "bvlc/examples+finetune_pascal_detection+pascal_finetune_trainval_test": { data: [4, 3, 227, 227], label: [4] },
  "bvlc/models+bvlc_alexnet+train_val": { data: [4, 3, 227, 227], label: [4] },
  "bvlc/models+bvlc_reference_caffenet+train_val": { data: [4, 3, 227, 227], label: [4] },
  "bvlc/models+bvlc_googlenet+train_val": { data: [4, 3, 224, 224], label: [4] },
  "bvlc/models+finetune_flickr_style+train_val": { data: [4, 3, 227, 227], label: [4] },
  "squeezenet/SqueezeNet_v1.0+train_val": { data: [4, 3, 227, 227], label: [4] },
  "squeezenet/SqueezeNet_v1.1+train_val": { data: [4, 3, 227, 227], label: [4] },
} as const satisfies Record<string, Readonly<Record<string, readonly number[]>>>;

const why = whyNoStub();
(why === undefined ? describe : describe.skip)(
  `graphs on a stand-in for CUDA${why === undefined ? "" : ` (skipped: ${why})`}`,
  function () {
    this.timeout(600_000);
    const folder = freshFolder();
    let app: StubApp;
    before(() => {
      app = buildStub();
    });
    after(() => app[Symbol.dispose]());

    it("lie on CUDA as a whole: the gradient of every layer type, in every use", () => {
      const tasks = Object.entries<readonly Case[] | string>(layerCases).flatMap(([type, cases]) =>
        typeof cases === "string"
          ? []
          : cases.map((each, i): Task => {
              const { text, topNames } = caseNet(type, each);
              const { phase = "TEST", size } = each;
              return {
                name: `${type} ${i + 1}`,
                net: text,
                form: "gradient",
                seeds: topNames,
                phase,
                ...(size !== undefined && { sizes: { l: size } }),
                runs: [1],
              };
            }),
      );
      const placed = place(app, tasks);
      expect(placed.size).to.be.above(180);
      expect(exceptions(placed)).to.deep.equal({});
      // Sizes that depend on what kernels compute are garbage here: the number of items, which boxes are compared with.
      expect([...placed].flatMap(([name, { error }]) => (error === undefined ? [] : [name]))).to.deep.equal([
        "PSROIPooling 1",
        "DeformablePSROIPooling 1",
        "DeformablePSROIPooling 2",
        "PSROIAlign 1",
      ]);
    });

    const rounds: readonly Task[] = [
      ...stepNets.map(({ name, prototxt }) => ({ name, net: prototxt })),
      { name: "models/lenet", net: model("lenet"), shapes: { data: [64, 1, 28, 28], label: [64] } },
      { name: "models/mnist", net: model("mnist"), shapes: { data: [64, 1, 28, 28], label: [64] } },
      { name: "models/cifar10", net: model("cifar10"), shapes: { data: [100, 3, 32, 32], label: [100] } },
      { name: "models/caffenet", net: model("caffenet"), shapes: { data: [4, 3, 227, 227], label: [4] } },
      { name: "models/adult", net: model("adult") },
      {
        name: "caffenet from bytes",
        net: model("caffenet"),
        shapes: { data: [4, 3, 227, 227], label: [4] },
        byteRows: BYTES,
      },
      { name: "recurrent", net: RESTLESS },
      { name: "iter_size and clip_gradients", net: RESTLESS, solver: { iterSize: 2, clipGradients: 1 } },
      ...Object.keys(updateRules).map((rule) => ({
        name: rule,
        net: RESTLESS,
        solver: { rule: rule as keyof typeof updateRules, regularization: "L1" as const },
      })),
    ];

    /**
     * Checks rounds: all on CUDA; in an iteration one wait and 8 bytes up, its number, and nothing down; weights and history once a round.
     * `tables` are the bytes that go up beside in each iteration, by net.
     */
    function checkRounds(tasks: readonly Task[], tables: Readonly<Record<string, number>>): void {
      const placed = place(
        app,
        tasks.map((task) => ({ ...task, form: "round", runs: [2, 5] })),
      );
      expect(exceptions(placed)).to.deep.equal({});
      const others: Record<string, number> = {};
      for (const { name, solver } of tasks) {
        const { runs, error } = placed.get(name)!;
        expect(error, name).to.equal(undefined);
        const [two, five] = [runs.get(2)!, runs.get(5)!];
        const each = (of: (traffic: Traffic) => number) => (of(five) - of(two)) / 3;
        // A loop over the batches of an iteration is one more.
        const loops = 1 + (solver?.iterSize ?? 0);
        expect(
          each(({ copiesDown }) => copiesDown),
          `${name}: copies down`,
        ).to.equal(0);
        expect(
          each(({ waits }) => waits),
          `${name}: waits`,
        ).to.equal(loops);
        const up = each((traffic) => traffic.up - traffic.fed);
        if (up > 8 * loops) others[name] = up;
      }
      expect(others).to.deep.equal(tables);
    }

    it("train without copies: rounds of the models, of every update rule, with iter_size and clipping", () => {
      checkRounds(rounds, {
        // Where pieces that are joined or cut have unequal sizes, the kernels read tables of them.
        googlenet: 89544,
        "models/adult": 472,
      });
    });

    it("train by the engines: one replica in rounds, and two on a GPU each", () => {
      /** Devices that kernels were launched on, and what rounds reported. */
      const train = (task: TrainingTask) => {
        const { stdout, calls } = app.run("train.js", task);
        const used = calls.flatMap((call) => / on (\d)$/.exec(call)?.[1] ?? []);
        return { devices: [...new Set(used)].sort(), reports: JSON.parse(stdout.trimEnd().split("\n").at(-1)!) };
      };
      const one = train({ devices: [0], rounds: [1, 7] });
      expect(one.devices).to.deep.equal(["0"]);
      expect(one.reports).to.deep.equal([
        { losses: 1, rows: 4 },
        { losses: 7, rows: 28 },
      ]);
      const two = train({ devices: [0, 1], rounds: [5, 5] });
      expect(two.devices).to.deep.equal(["0", "1"]);
      expect(two.reports).to.deep.equal([
        { losses: 5, rows: 40 },
        { losses: 5, rows: 40 },
      ]);
    });

    describeShared("of published nets", () => {
      it("train without copies", () => {
        const tasks = Object.entries(PUBLISHED).map(([name, shapes]) => ({
          name,
          net: readFileSync(sharedPath("zoo", "prototxt", `${name}.prototxt`), "utf8"),
          shapes,
        }));
        checkRounds(tasks, { "bvlc/models+bvlc_googlenet+train_val": 89544 });
      });

      it("copy what is listed: converted files", async () => {
        const zoo = (...parts: string[]) => sharedPath("zoo", ...parts);
        const task = async (name: string, net: string, options: ConvertOptions = {}): Promise<Task> => {
          const from = zoo("prototxt", `${net}.prototxt`);
          const { model: bytes } = await convert(from, anyWeights(from).weights, { verify: false, ...options });
          const file = join(folder(), `${name}.onnx`);
          writeFileSync(file, bytes);
          return { name, file };
        };
        const lenet = "bvlc/examples+mnist+lenet";
        const tasks = [
          await task("lenet", lenet),
          await task("lenet fp16", lenet, { fp16: true }),
          await task("lenet int8", lenet, { scale: 1 / 256, int8: true, calibrate: zoo("mnist", "mnist_train_lmdb") }),
          await task("cifar10_quick", "bvlc/examples+cifar10+cifar10_quick"),
          await task("cifar10_full", "bvlc/examples+cifar10+cifar10_full"),
          await task("caffenet", "bvlc/models+bvlc_reference_caffenet+deploy"),
          await task("googlenet", "bvlc/models+bvlc_googlenet+deploy"),
          await task("squeezenet", "squeezenet/SqueezeNet_v1.1+deploy"),
          await task("mobilenet", "mobilenet/mobilenet_deploy"),
          await task("mobilenet_v2", "mobilenet/mobilenet_v2_deploy"),
          await task("enet", "enet/prototxts+enet_deploy_final"),
          await task("mobilenet_ssd", "mobilenet_ssd/deploy"),
          await task("faster_rcnn", "faster_rcnn/models+pascal_voc+ZF+faster_rcnn_end2end+test"),
        ];
        expect(exceptions(place(app, tasks))).to.deep.equal({
          // Sums of shapes, which nothing is copied for.
          enet: "Concat Concat Gather, 0 copies",
          mobilenet_ssd: "Concat Concat Concat Concat Equal Gather Gather Gather Where, 0 copies",
          // No kernel: the feature map goes down, and what was pooled up.
          faster_rcnn: "MaxRoiPool, 3 copies",
          // Biases in int32, as the CPU's convolutions in int8 want them.
          "lenet int8": "DequantizeLinear DequantizeLinear DequantizeLinear DequantizeLinear, 4 copies",
        });
      });
    });
  },
);
