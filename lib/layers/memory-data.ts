import { sub } from "../caffe/message.js";
import type { MemoryDataParameter } from "../caffe/messages.js";
import { dataLayer } from "./layer.js";

/**
 * MemoryData: data that the program feeds. Tops: data [batch_size, channels, height, width], or of the axes that `dim` says, and
 * label [batch_size].
 */
export const MemoryData = dataLayer({
  type: "MemoryData",
  param: "memory_data_param",
  bottoms: 0,
  tops: 2,
  data: {
    origin: "program",
    batchSize: (layer) => shapeOf(sub(layer, "memory_data_param"))[0],
    rowShapes: (layer) => [shapeOf(sub(layer, "memory_data_param")).slice(1), []],
  },
  shapes({ param, error }) {
    const { batch_size, channels, height, width, dim } = param;
    const sizes = dim.length > 0 ? { dim: Math.min(...dim) } : { batch_size, channels, height, width };
    for (const [field, value] of Object.entries(sizes)) {
      if (value <= 0) throw error(`${field} must be given and greater than 0`, field);
    }
    const shape = shapeOf(param);
    return [shape, [shape[0]!]];
  },
});

const shapeOf = ({ batch_size, channels, height, width, dim }: MemoryDataParameter): readonly number[] =>
  dim.length > 0 ? dim : [batch_size, channels, height, width];
