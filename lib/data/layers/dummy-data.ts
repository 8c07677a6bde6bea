import { sub } from "../../caffe/message.js";
import type { DummyDataParameter, FillerParameter, LayerParameter } from "../../caffe/messages.js";
import type { DummySpec } from "../feed-spec.js";
import { common, type FeedOptions, fault } from "./common.js";

/** DummyData: tops of given shapes, filled by fillers; one shape and one filler for all tops, or one each. */
export function dummyDataLayer(layer: LayerParameter, options: FeedOptions): DummySpec {
  const param = sub(layer, "dummy_data_param");
  const shapes = shapesOf(layer, param);
  const { data_filler: fillers } = param;
  if (fillers.length > 1 && fillers.length !== layer.top.length)
    throw fault(layer, `${fillers.length} data_filler for ${layer.top.length} tops: give none, one, or one each`);
  const blobs = layer.top.map((_, i) => ({
    shape: shapes[i]!,
    filler: plain(fillers.length > 1 ? fillers[i]! : fillers[0]),
  }));
  return { ...common(layer, options, shapes[0]![0] ?? 1), kind: "dummy", blobs };
}

function shapesOf(layer: LayerParameter, param: DummyDataParameter): readonly (readonly number[])[] {
  const { shape, ...rest } = param;
  const legacy = [rest.num, rest.channels, rest.height, rest.width];
  const isLegacy = legacy.some((dims) => dims.length > 0);
  if (isLegacy && shape.length > 0) throw fault(layer, "dummy_data_param has both shape and num, channels, ...");
  const each = <T>(values: readonly T[], name: string): readonly T[] => {
    const tops = layer.top.length;
    if (values.length !== 1 && values.length !== tops)
      throw fault(layer, `${values.length} ${name} for ${tops} tops: give one, or one each`);
    return layer.top.map((_, i) => values[values.length === 1 ? 0 : i]!);
  };
  if (!isLegacy) return each(shape, "shape").map(({ dim }) => dim);
  const dims = legacy.map((values, i) => each(values, ["num", "channels", "height", "width"][i]!));
  return layer.top.map((_, i) => dims.map((values) => values[i]!));
}

/** A filler's parameters with their defaults as a plain object, which can be sent to a worker. */
function plain(filler: FillerParameter | undefined): FillerParameter {
  const { type = "constant", value = 0, min = 0, max = 1, mean = 0, std = 1, sparse = -1 } = filler ?? {};
  return { type, value, min, max, mean, std, sparse, variance_norm: filler?.variance_norm ?? 0 };
}
