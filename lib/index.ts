export { type Converted, type ConvertOptions, type ConvertReport, convert, importWeights } from "./convert/index.js";
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
export { ProtoLoader } from "./caffe/proto-loader.js";
export { type BlobShapes, replaceDataLayers, replaceDataLayersByShape } from "./caffe/replace-data.js";
export { detectSource } from "./data/detect.js";
export { type Imported, type ImportOptions, importSource } from "./data/import/import.js";
export { openSource, type SourceSpec } from "./data/open.js";
export type { DataSource, Field, Shard } from "./data/source.js";
export type { GivenData } from "./data/given-rows.js";
export type { DataChoice } from "./data/net-feeds.js";
export { type NamedRow, type NamedRows, saveRows } from "./data/table/save.js";
export { NetrunError } from "./error.js";
export { type ExtractOptions, extract, type Features } from "./extract.js";
export { constant, constantOf, count, float32, sameShape, type TensorType, type Value } from "./graph/index.js";
export {
  type BlobSpec,
  canonicalAxis,
  extraParam,
  forbidInPlace,
  type LayerPlugin,
  type Lowered,
  loadPlugins,
  type Place,
  type PluginModule,
  registerLayer,
  type Site,
} from "./layers/index.js";
export { TrainingStopped } from "./engine/engine.js";
export { type Blob, Net, type NetOptions, type Tensor, type Tensors } from "./model.js";
export type { ParallelOptions } from "./solve/parallel.js";
export { Solver, type SolverOptions } from "./solve/solver.js";
export * as ops from "./ops/index.js";
export type { BaselineEvent, RoundEvent, SyncIntervalEvent } from "./solve/rounds.js";
export type { Action, TrainEvent, TrainOptions } from "./solve/train.js";
export { type TrainReplicasOptions, train } from "./solve/train-replicas.js";
export { printText } from "./text/print.js";
