export { Classifier, type ClassifierOptions } from "./api/classifier.js";
export { type Detected, type DetectOptions, detect } from "./api/detect.js";
export type { Detection } from "./api/detect-regions.js";
export { type Classified, type ClassifyOptions, classify, type Prediction } from "./api/classify.js";
export { type Tiles, tilesPng } from "./data/image/tiles.js";
export { beliefSamples, reconstructions, type StackedLayer } from "./layers/pretrained-stack.js";
export { type ExtractOptions, extract, type Features } from "./api/extract.js";
export { extractOnSpark, type SparkExtracted, type SparkExtractOptions } from "./api/extract-on-spark.js";
export { type LayerTime, type LayerTimes, type TimeLayersOptions, timeLayers } from "./api/layer-times.js";
export {
  type Blob,
  type ForwardOptions,
  Net,
  type NetLayer,
  type NetOptions,
  type Tensor,
  type Tensors,
} from "./api/net.js";
export { ProtoLoader } from "./api/proto-loader.js";
export { type NetScores, type TestNetOptions, testNet } from "./api/test-net.js";
export { type FloatImage, loadImage, resizeFloatImage, Transformer } from "./api/transformer.js";
export { type Limits, setLimits } from "./budget.js";
export {
  ConvolutionLayer,
  Include,
  InnerProductLayer,
  layer,
  NetParam,
  Pooling,
  PoolingLayer,
  RDDLayer,
  ReLULayer,
  SoftmaxWithLoss,
} from "./caffe/builders.js";
export { amend, create, decode, encode, has, sub } from "./caffe/message.js";
export * from "./caffe/messages.js";
export { type Converted, type ConvertOptions, type ConvertReport, convert, importWeights } from "./convert/index.js";
export type { GivenData } from "./data/feed/given-rows.js";
export type { DataChoice } from "./data/feed/net-feeds.js";
export { type Imported, type ImportOptions, importSource } from "./data/import/import.js";
export { detectSource } from "./data/source/detect.js";
export { openSource, type SourceSpec } from "./data/source/open.js";
export type { DataSource, Field, Shard } from "./data/source/source.js";
export { type NamedRow, type NamedRows, saveRows } from "./data/source/table/save.js";
export { TrainingStopped } from "./engine/engine.js";
export { type SparkChoice, type SparkOptions, spark } from "./engine/spark/choice.js";
export { NetrunError } from "./error.js";
export { constant, constantOf, count, float32, sameShape, type TensorType, type Value } from "./graph/index.js";
export {
  type BlobSpec,
  canonicalAxis,
  extraParam,
  forbidInPlace,
  type BackwardPlace,
  type ComputePlugin,
  type DataPlugin,
  type LayerPlugin,
  type Lowered,
  loadPlugins,
  type Place,
  type PluginModule,
  type PluginRows,
  registerLayer,
  type Site,
} from "./layers/index.js";
export { type BlobSummary, type Inspected, type InspectFileOptions, inspect } from "./inspect/inspect.js";
export { type BlobShapes, replaceDataLayers, replaceDataLayersByShape } from "./net/replace-data.js";
export * as ops from "./ops/index.js";
export { type DrawNetOptions, drawNet } from "./inspect/draw.js";
export { type Plotted, type PlotOptions, plot } from "./runs/plot/plot.js";
export { LiveRun } from "./dashboard/live-run.js";
export { type Dashboard, serveDashboard } from "./dashboard/server.js";
export { StoredRunView } from "./dashboard/stored-run.js";
export { StoredRuns } from "./dashboard/stored-runs.js";
export type { Digest } from "./runs/digest.js";
export { listRuns, type RunStatus, type RunSummary, readRun, type StoredRun } from "./runs/list.js";
export type { RunInfo } from "./runs/run-folder.js";
export { TensorBoardFile } from "./runs/tensorboard/event-files.js";
export { type TrainRunOptions, trainRun } from "./runs/train-run.js";
export type { PartResult } from "./sweep/state.js";
export { type SweepEvent, type SweepOptions, sweep, type Trial } from "./sweep/sweep.js";
export type { Preparation, PreparedColumn, PreparedLabel } from "./data/source/prepared/preparation.js";
export { explain, type ExplainOptions, type Importance } from "./tables/explain.js";
export { type ColumnLoss, permutationImportance, type PermutationOptions } from "./tables/permutation.js";
export { type NewNet, type NewNetOptions, newNet } from "./tables/new-net.js";
export { predict } from "./tables/predict.js";
export type { PredictedRow, PredictionSummary, PredictOptions, TablePredictions } from "./tables/predictions.js";
export { writePredictions } from "./tables/write-predictions.js";
export { printText } from "./text/print.js";
export { type Logged, readJsonLine } from "./train/event-log.js";
export {
  type BaselineEvent,
  type BestEvent,
  type ControlEvent,
  type DoneEvent,
  EVENT_VERSION,
  type IterationEvent,
  type LayerStatisticsEvent,
  parseEvent,
  type ReplicaLostEvent,
  type RoundEvent,
  type SnapshotEvent,
  type SnapshotFailedEvent,
  type StartEvent,
  type StatisticsEvent,
  type SyncIntervalEvent,
  type TestEvent,
  type TestProgressEvent,
  type TrainEvent,
  type WarningEvent,
} from "./train/events.js";
export {
  type PretrainedLayer,
  type PretrainEvent,
  type PretrainOptions,
  pretrain,
} from "./train/pretrain.js";
export type { PretrainScores } from "./train/pretrained-parts.js";
export { pretrainPicture } from "./train/pretrain-picture.js";
export type { ParallelOptions } from "./train/parallel.js";
export type { Action, Control } from "./train/requests.js";
export { Solver, type SolverOptions } from "./train/solver.js";
export { type SolverOfNetOptions, solverOfNet } from "./train/solver-of-net.js";
export { type TrainOptions, type TrainReplicasOptions, train } from "./train/train.js";
