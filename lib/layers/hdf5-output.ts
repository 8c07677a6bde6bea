import { computeLayer } from "./layer.js";

/** HDF5Output: writes its two bottoms, data and label of as many items, to `file_name`. No tops, no gradient. */
export const HDF5Output = computeLayer({
  type: "HDF5Output",
  param: "hdf5_output_param",
  bottoms: 2,
  tops: 0,
  lower(site) {
    const [data, label] = site.bottoms.map(({ type }) => type.shape);
    if (data![0] !== label![0]) {
      throw site.bottomError(1, `[${label}] does not have as many items as [${data}]`);
    }
    return { tops: [] };
  },
});
