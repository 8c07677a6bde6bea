import { dataLayer } from "./layer.js";

/** MemoryData: data that the program feeds. Tops: data [batch_size, channels, height, width] and label [batch_size]. */
export const MemoryData = dataLayer({
  type: "MemoryData",
  param: "memory_data_param",
  bottoms: 0,
  tops: 2,
  shapes({ param, error }) {
    const { batch_size, channels, height, width } = param;
    for (const [field, value] of Object.entries({ batch_size, channels, height, width })) {
      if (value <= 0) throw error(`${field} must be given and greater than 0`, field);
    }
    return [[batch_size, channels, height, width], [batch_size]];
  },
});
