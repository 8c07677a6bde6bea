import { sub } from "../../../caffe/message.js";
import { type DataParameter, DataParameter_DB, type LayerParameter } from "../../../caffe/messages.js";
import { embeddedSource } from "../../source/detect.js";
import type { SourceSpec } from "../../source/open.js";
import type { RecordsSpec } from "../feed-spec.js";
import { common, type FeedOptions, fault, forcedColour, randSkip, required, transformSpec } from "./common.js";

/** Data: the Datums of an LMDB or LevelDB database, or of an embedded data set (`netrun:digits/train`). */
export function databaseLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const param = sub(layer, "data_param");
  if (layer.top.length < 1 || layer.top.length > 2)
    throw fault(layer, `a Data layer has one or two tops, not ${layer.top.length}`);
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    prefetch: param.prefetch,
    source: options.data ?? dataSource(layer, param, options),
    match: options.data ? "either" : "position",
    images: { colour: forcedColour(layer) },
    transform: transformSpec(layer, options),
    skip: randSkip(param.rand_skip, options),
  };
}

/** The database that data_param names. Throws a NetrunError where it names none. */
export function dataSource(layer: LayerParameter, param: DataParameter, options: FeedOptions): SourceSpec {
  const source = required(layer, "data_param", param.source);
  const embedded = embeddedSource(source);
  if (embedded) return embedded;
  const kind = param.backend === DataParameter_DB.LMDB ? "lmdb" : "leveldb";
  return { kind, path: options.paths(source) };
}
