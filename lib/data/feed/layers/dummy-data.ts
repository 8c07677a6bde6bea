import { sub } from "../../../caffe/message.js";
import type { FillerParameter, LayerParameter } from "../../../caffe/messages.js";
import { NetrunError } from "../../../error.js";
import { dummyShapes } from "../../../layers/dummy-data.js";
import { spanOf } from "../../../text/notes.js";
import type { DummySpec } from "../feed-spec.js";
import { common, type FeedOptions } from "./common.js";

/** DummyData: tops of given shapes, filled by fillers; one shape and one filler for all tops, or one each. */
export function dummyDataLayer(layer: LayerParameter, options: FeedOptions): DummySpec {
  const param = sub(layer, "dummy_data_param");
  const shapes = dummyShapes({
    param,
    topCount: layer.top.length,
    error: (message, field, notes = []) =>
      new NetrunError(`layer "${layer.name}": ${message}`, {
        span: (field && spanOf(param, field)) || spanOf(layer),
        notes,
      }),
  });
  const { data_filler: fillers } = param;
  const blobs = layer.top.map((_, i) => ({
    shape: shapes[i]!,
    filler: plain(fillers.length > 1 ? fillers[i]! : fillers[0]),
  }));
  return { ...common(layer, options, shapes[0]![0] ?? 1), kind: "dummy", blobs };
}

/** A filler's parameters with their defaults as a plain object, which can be sent to a worker. */
function plain(filler: FillerParameter | undefined): FillerParameter {
  const { type = "constant", value = 0, min = 0, max = 1, mean = 0, std = 1, sparse = -1, alpha = 0 } = filler ?? {};
  return { type, value, min, max, mean, std, sparse, alpha, variance_norm: filler?.variance_norm ?? 0 };
}
