import type { Value } from "../graph/index.js";
import { reshape } from "../ops/index.js";
import { computeLayer } from "./layer.js";

/**
 * HDF5Output: writes its two bottoms, of as many items, to the data sets `data` and `label` of the HDF5 file `file_name`, as four axes
 * [n, c, h, w] like Caffe. The first forward makes the file, further ones (which Caffe refuses) add their items. No tops, no gradient.
 */
export const HDF5Output = computeLayer({
  type: "HDF5Output",
  param: "hdf5_output_param",
  bottoms: 2,
  tops: 0,
  inference: { as: "nothing" },
  lower(site) {
    const { file_name: path } = site.param;
    if (path === "") throw site.error("file_name is missing", undefined, ['write file_name: "FILE.h5"']);
    const [data, label] = site.bottoms as [Value, Value];
    site.bottoms.forEach(({ type: { shape } }, i) => {
      if (shape.length === 0 || shape.length > 4) throw site.bottomError(i, `[${shape}] does not have 1 to 4 axes`);
    });
    if (data.type.shape[0] !== label.type.shape[0]) {
      throw site.bottomError(1, `[${label.type.shape}] does not have as many items as [${data.type.shape}]`);
    }
    return { tops: [], file: { path, sets: { data: fourAxes(data), label: fourAxes(label) } } };
  },
});

const fourAxes = (x: Value) => reshape(x, [...x.type.shape, ...Array<number>(4 - x.type.shape.length).fill(1)]);
