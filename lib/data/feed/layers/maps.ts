import { sub } from "../../../caffe/message.js";
import type { LayerParameter } from "../../../caffe/messages.js";
import { NetrunError } from "../../../error.js";
import { dataOf, type LabelMaps } from "../../../layers/index.js";
import { spanOf } from "../../../text/notes.js";
import type { RecordsSpec } from "../feed-spec.js";
import { IDENTITY } from "../transform.js";
import { common, type FeedOptions, fault, randSkip, required, rootFolder, transformSpec } from "./common.js";

/** DenseImageData, ImageSegData and ImageLabelmapData: images whose labels are images, by a list of two names a line. */
export function mapsLayer(layer: LayerParameter, options: FeedOptions): RecordsSpec {
  const { divisor, values, padding } = dataOf(layer)!.maps!(layer);
  if (layer.python_param) return pythonMaps(layer, options, values);
  const field = layer.dense_image_data_param ? "dense_image_data_param" : "image_data_param";
  const param = sub(layer, field);
  const { new_height: height, new_width: width, source, root_folder, shuffle } = param;
  if (layer.top.length > 2) throw fault(layer, "its third top, the sizes of images, is not supported: leave it out");
  if (height > 0 !== width > 0) throw fault(layer, `${field} needs new_height and new_width together, or neither`);
  if (divisor > 1 && (height === 0 || sub(layer, "transform_param").crop_size > 0))
    throw fault(layer, "label_divide_factor needs new_height and new_width, and no crop_size");
  return {
    ...common(layer, options, param.batch_size),
    kind: "records",
    source: options.data ?? {
      kind: "images",
      list: options.paths(required(layer, field, source)),
      root: rootFolder(root_folder, options),
      shuffle: shuffle ? options.seed : undefined,
      maps: true,
    },
    match: options.data ? "either" : "position",
    images: { colour: param.is_color ? "color" : "gray", size: height > 0 ? { height, width } : undefined },
    transform: transformSpec(layer, options),
    maps: {
      size: height > 0 ? { height: Math.floor(height / divisor), width: Math.floor(width / divisor) } : undefined,
      values,
      padding,
    },
    skip: randSkip(param.rand_skip, options),
  };
}

/**
 * FCN's Python layers: an image at a time, in the colours that Caffe has, minus the `mean` in param_str, and the classes of its pixels. Of VOCSegDataLayer
 * netrun reads the data set itself, PASCAL VOC's folder `voc_dir` and the list of `split`, in an order of chance unless `random` is False or the split is
 * no training set; of the others, whose labels are Matlab's, `--data` gives a list of images and label images.
 */
function pythonMaps(layer: LayerParameter, options: FeedOptions, values: LabelMaps["values"]): RecordsSpec {
  const { param_str: text, layer: name } = sub(layer, "python_param");
  const word = (key: string) => new RegExp(`['"]${key}['"]\\s*:\\s*['"]([^'"]*)['"]`).exec(text)?.[1];
  const mean = /['"]mean['"]\s*:\s*[[(]([^\])]*)/.exec(text)?.[1] ?? "";
  const meanValues = mean
    .split(",")
    .filter((item) => item.trim() !== "")
    .map(Number);
  if (meanValues.some(Number.isNaN)) throw fault(layer, `mean in "${text}" are not numbers`);
  return {
    ...common(layer, options, 1),
    kind: "records",
    source: options.data ?? vocSource(),
    match: options.data ? "either" : "position",
    images: { colour: "color" },
    transform: { ...IDENTITY, meanValues },
    maps: { size: undefined, values },
    skip: 0,
  };

  function vocSource(): RecordsSpec["source"] {
    const [folder, split] = [word("voc_dir"), word("split")];
    if (name !== "VOCSegDataLayer" || folder === undefined || split === undefined)
      throw new NetrunError(`layer "${layer.name}": netrun does not read the data set of ${name}`, {
        span: spanOf(layer, "python_param") ?? spanOf(layer),
        notes: ["--data LIST gives it: a text file with an image and the image of its labels in each line"],
        unsupported: true,
      });
    const list = options.paths(`${folder}/ImageSets/Segmentation/${split}.txt`);
    const root = list.slice(0, -`/ImageSets/Segmentation/${split}.txt`.length);
    const isFixed = !split.includes("train") || /['"]random(?:ize)?['"]\s*:\s*False/.test(text);
    return {
      kind: "images",
      list,
      root,
      names: { image: ["/JPEGImages/", ".jpg"], map: ["/SegmentationClass/", ".png"] },
      maps: true,
      shuffle: isFixed ? undefined : options.seed,
    };
  }
}
