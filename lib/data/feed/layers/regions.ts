import { sub } from "../../../caffe/message.js";
import type { LayerParameter } from "../../../caffe/messages.js";
import { NetrunError } from "../../../error.js";
import { spanOf } from "../../../text/notes.js";
import type { RegionsSpec } from "../annotated/spec.js";
import type { RecordsSpec } from "../feed-spec.js";
import { IDENTITY } from "../transform.js";
import { common, type FeedOptions, fault } from "./common.js";

/** Faster R-CNN's configuration for training. */
const DEFAULTS = { scales: [600], max_size: 1000, pixel_means: [102.9801, 115.9465, 122.7717] } as const;

/**
 * RoIDataLayer (py-faster-rcnn): an image, its size and its boxes, of the data set that `--data` names. Beside num_classes, which only
 * proposals use, param_str may say scales, max_size, pixel_means and use_flipped, which its authors have in their configuration.
 */
export function regionsLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  if (!options.data)
    throw new NetrunError(`layer "${layer.name}": its images and boxes are those of a Python data set`, {
      span: spanOf(layer, "python_param") ?? spanOf(layer),
      notes: ["--data PATH gives them: a database of AnnotatedDatum messages, or netrun:shapes/train"],
      unsupported: true,
    });
  return {
    ...common(layer, options, 1),
    kind: "records",
    source: options.data,
    // Data with fields of the tops' names needs no boxes.
    match: "either",
    images: { colour: "color" },
    transform: IDENTITY,
    regions: regionsOf(layer),
    skip: 0,
  };
}

function regionsOf(layer: LayerParameter): RegionsSpec {
  const text = sub(layer, "python_param").param_str;
  const numbers = (name: keyof typeof DEFAULTS): readonly number[] => {
    const found = new RegExp(`\\b${name}['"]?\\s*[:=]\\s*(?:[[(]([^\\])]*)[\\])]|([\\d.]+))`).exec(text);
    if (!found) return [DEFAULTS[name]].flat();
    const values = (found[1] ?? found[2]!)
      .split(",")
      .filter((item) => item.trim() !== "")
      .map(Number);
    if (values.length > 0 && values.every((value) => value >= 0)) return values;
    throw fault(layer, `${name} in "${text}" are not numbers`);
  };
  const [maxSize] = numbers("max_size") as [number];
  const scales = numbers("scales");
  if (maxSize <= 0 || scales.some((scale) => scale <= 0)) throw fault(layer, "scales and max_size are above 0");
  const flipped = !/\buse_flipped['"]?\s*[:=]\s*(?:False|false|0)/.test(text);
  return { scales, maxSize, means: numbers("pixel_means"), flipped };
}
