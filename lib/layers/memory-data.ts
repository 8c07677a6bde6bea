import { sub } from "../caffe/message.js";
import { dataLayer } from "./layer.js";

/** MemoryData: data that the program feeds. Tops: data [batch_size, channels, height, width] and label [batch_size]. */
export const MemoryData = dataLayer({
  type: "MemoryData",
  param: "memory_data_param",
  bottoms: 0,
  tops: 2,
  data: {
    origin: "program",
    batchSize: (layer) => sub(layer, "memory_data_param").batch_size,
    rowShapes: (layer) => {
      const { channels, height, width } = sub(layer, "memory_data_param");
      return [[channels, height, width], []];
    },
  },
  shapes({ param, error }) {
    const { batch_size, channels, height, width } = param;
    for (const [field, value] of Object.entries({ batch_size, channels, height, width })) {
      if (value <= 0) throw error(`${field} must be given and greater than 0`, field);
    }
    return [[batch_size, channels, height, width], [batch_size]];
  },
});
