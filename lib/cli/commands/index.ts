import type { Command, CommandArgs } from "./command.js";
import { CONVERT, IMPORT_WEIGHTS } from "./conversion.js";
import { COMPLETION, DATASET, DRAW, IMPORT, INSPECT, LAYERS, MEAN, UPGRADE } from "./files.js";
import { CLASSIFY, DETECT, DEVICES, EXTRACT, TEST, TIME } from "./inference.js";
import { SPARK } from "./spark.js";
import { EXPLAIN, NEW, PREDICT } from "./tables.js";
import { DASHBOARD, PLOT, PRETRAIN, RUNS, SWEEP, TRAIN } from "./training.js";

/** All commands. Nothing here loads more of netrun than their flags: a command's code is loaded when it runs. */
export const commands: readonly Command[] = [
  {
    name: "train",
    describe: "Train a net",
    options: TRAIN,
    examples: [
      "netrun train models/lenet/solver.prototxt --max-iter 100 --log-json run.json",
      "netrun train models/lenet/train_test.prototxt --type Adam --max-iter 20",
      "netrun train models/lenet/solver.prototxt --max-iter 100 --run lenet",
      "netrun train iris/solver.prototxt",
      "netrun train models/shapes-ssd/solver.prototxt --max-iter 100",
    ],
    load: () => import("../train.js"),
  },
  {
    name: "pretrain",
    describe: "Pretrain a net layer by layer, as RBMs or autoencoders",
    options: PRETRAIN,
    examples: [
      "netrun pretrain models/mnist-dbn/solver.prototxt --iterations 50 -o dbn.caffemodel --picture dbn.png",
      "netrun pretrain models/mnist-dbn/solver.prototxt --kind autoencoder --corruption 0.3 --iterations 50 -o autoencoders.caffemodel",
    ],
    load: () => import("../pretrain.js"),
  },
  {
    name: "test",
    describe: "Test a net on its data",
    options: TEST,
    examples: [
      "netrun test models/lenet/train_test.prototxt --weights snapshots/lenet_iter_100.caffemodel --iterations 5",
    ],
    load: () => import("../test.js"),
  },
  {
    name: "time",
    describe: "Time a net layer by layer",
    options: TIME,
    examples: ["netrun time models/lenet/train_test.prototxt --iterations 3"],
    load: () => import("../time.js"),
  },
  {
    name: "extract",
    describe: "Extract features: write blobs of a net for a data set",
    options: EXTRACT,
    examples: [
      "netrun extract models/lenet/deploy.prototxt --weights snapshots/lenet_iter_100.caffemodel --data netrun:digits/test --blobs ip1,prob -o features.parquet",
    ],
    load: () => import("../extract.js"),
  },
  {
    name: "classify",
    describe: "Classify images",
    options: CLASSIFY,
    examples: [
      "netrun classify digit.png --model models/lenet/deploy.prototxt --weights snapshots/lenet_iter_100.caffemodel --invert",
    ],
    load: () => import("../classify.js"),
  },
  {
    name: "detect",
    describe: "Detect objects in images, and draw their boxes",
    options: DETECT,
    examples: [
      "netrun detect shapes.png --model models/shapes-ssd/deploy.prototxt --weights snapshots/shapes_ssd_iter_100.caffemodel --mean-value 127 --scale 0.0078125 -o found.png",
    ],
    load: () => import("../detect.js"),
  },
  {
    name: "devices",
    aliases: ["device_query"],
    describe: "List the devices that nets can run on",
    options: DEVICES,
    examples: ["netrun devices", "netrun devices --json"],
    load: () => import("../devices.js"),
  },
  {
    name: "plot",
    describe: "Plot training logs of netrun or Caffe",
    options: PLOT,
    examples: ["netrun plot run.json -o run.svg"],
    load: () => import("../plot.js"),
  },
  {
    name: "dashboard",
    describe: "Serve a page that shows finished and running trainings",
    options: DASHBOARD,
    examples: ["netrun dashboard runs/lenet"],
    load: () => import("../dashboard.js"),
  },
  {
    name: "runs",
    describe: "List the runs stored with --run",
    options: RUNS,
    examples: ["netrun runs"],
    load: () => import("../runs.js"),
  },
  {
    name: "sweep",
    describe: "Train a solver with many settings, and report the best",
    options: SWEEP,
    examples: [
      "netrun sweep models/lenet/solver.prototxt --grid base_lr=0.1,0.01 --first-iterations 10 --reduction 2 --metric accuracy",
    ],
    load: () => import("../sweep.js"),
  },
  {
    name: "new",
    describe: "Write a net and its solver for a data set",
    options: NEW,
    examples: [
      "netrun new mlp --data examples/iris/iris.csv --label species --hidden 16,16 -o iris --overwrite",
      "netrun new lenet -o digits",
    ],
    load: () => import("../new.js"),
  },
  {
    name: "predict",
    describe: "Predict the rows of a table with a model from netrun new",
    options: PREDICT,
    examples: ["netrun predict iris examples/iris/iris.csv -o predictions.csv"],
    load: () => import("../predict.js"),
  },
  {
    name: "explain",
    describe: "Report the importance of a table's columns for a model",
    options: EXPLAIN,
    examples: ["netrun explain iris"],
    load: () => import("../explain.js"),
  },
  {
    name: "convert",
    describe: "Convert a net with its weights to standard ONNX, and check the file",
    options: CONVERT,
    examples: ["netrun convert models/lenet/deploy.prototxt snapshots/lenet_iter_100.caffemodel -o lenet.onnx"],
    load: () => import("../convert.js"),
  },
  {
    name: "import-weights",
    describe: "Convert the weights of a converted ONNX model back to a .caffemodel",
    options: IMPORT_WEIGHTS,
    examples: ["netrun import-weights lenet.onnx models/lenet/deploy.prototxt -o lenet.caffemodel"],
    load: () => import("../import-weights.js"),
  },
  {
    name: "inspect",
    describe: "Show the content of a net, solver, .caffemodel, .solverstate, mean or ONNX file",
    options: INSPECT,
    examples: [
      "netrun inspect models/lenet/train_test.prototxt",
      "netrun inspect snapshots/lenet_iter_100.caffemodel --json",
    ],
    load: () => import("../inspect.js"),
  },
  {
    name: "draw",
    describe: "Draw a net as SVG, PNG or Graphviz file",
    options: DRAW,
    examples: ["netrun draw models/lenet/train_test.prototxt -o lenet.svg"],
    load: () => import("../draw.js"),
  },
  {
    name: "upgrade",
    describe: "Convert an old net or solver to the current format",
    options: UPGRADE,
    examples: ["netrun upgrade models/lenet/deploy.prototxt -o today.prototxt"],
    load: () => import("../upgrade.js"),
  },
  {
    name: "layers",
    describe: "List the layer types, or show one with its parameters",
    options: LAYERS,
    examples: ["netrun layers Convolution"],
    load: () => import("../layers.js"),
  },
  {
    name: "import",
    describe: "Copy any data set to an Arrow file, or a folder of them",
    options: IMPORT,
    examples: ["netrun import digits-train.arrow shuffled.arrow --shuffle"],
    load: () => import("../import.js"),
  },
  {
    name: "mean",
    describe: "Compute the mean image of a data set",
    options: MEAN,
    examples: ["netrun mean digits-train.arrow -o mean.binaryproto"],
    load: () => import("../mean.js"),
  },
  {
    name: "dataset",
    describe: "Write an embedded data set to Arrow files",
    options: DATASET,
    examples: ["netrun dataset digits -o .", "netrun dataset shapes -o ."],
    load: () => import("../dataset.js"),
  },
  {
    name: "spark",
    describe: "Pack Node and netrun for the executors of a Spark cluster",
    options: SPARK,
    examples: ["netrun spark pack -o netrun-linux-x64.tar.gz"],
    load: () => import("../spark.js"),
  },
  {
    name: "completion",
    describe: "Print a script that completes commands and flags in a shell",
    options: COMPLETION,
    examples: ["netrun completion bash"],
    load: async () => {
      const { completion } = await import("../completion.js");
      return { run: (args: CommandArgs<typeof COMPLETION>) => completion(args, commands) };
    },
  },
];
