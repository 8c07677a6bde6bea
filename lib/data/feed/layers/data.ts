import { statSync } from "node:fs";
import { sub } from "../../../caffe/message.js";
import { type DataParameter, DataParameter_DB, type LayerParameter } from "../../../caffe/messages.js";
import { detectSource } from "../../source/detect.js";
import type { SourceSpec } from "../../source/open.js";
import type { RecordsSpec } from "../feed-spec.js";
import { common, type FeedOptions, fault, forcedColour, randSkip, required, transformSpec } from "./common.js";

/**
 * Data: the Datums of an LMDB or LevelDB database; the rows of a file of any other kind, or of what has options behind a question mark
 * (`preparation.json?part=test`); or an embedded data set (`netrun:digits/train`).
 */
export function databaseLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const param = sub(layer, "data_param");
  if (layer.top.length < 1 || layer.top.length > 2)
    throw fault(layer, `a Data layer has one or two tops, not ${layer.top.length}`);
  const source = options.data ?? dataSource(layer, param, options);
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    prefetch: param.prefetch,
    source,
    // Records of databases have no names of fields.
    match: !options.data && (source.kind === "lmdb" || source.kind === "leveldb") ? "position" : "either",
    images: { colour: forcedColour(layer) },
    transform: transformSpec(layer, options),
    skip: randSkip(param.rand_skip, options),
  };
}

/** The database that data_param names. Throws a NetrunError where it names none. */
export function dataSource(layer: LayerParameter, param: DataParameter, options: FeedOptions): SourceSpec {
  const source = required(layer, "data_param", param.source);
  if (source.startsWith("netrun:")) return detectSource(source);
  const mark = source.lastIndexOf("?");
  const path = options.paths(mark < 0 ? source : source.slice(0, mark));
  // What is no folder is no database of Caffe's, and neither has options.
  if (mark >= 0 || statSync(path, { throwIfNoEntry: false })?.isFile())
    return detectSource(mark < 0 ? path : `${path}${source.slice(mark)}`);
  const kind = param.backend === DataParameter_DB.LMDB ? "lmdb" : "leveldb";
  return { kind, path };
}
