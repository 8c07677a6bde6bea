// The Python data layers of LRCN's activity recognition (sequence_input_layer.py): clips of videos, frame by frame, with a marker that
// is 0 where a clip begins and 1 where it goes on, as LSTM layers read it.
//
//     netrun train SOLVER.prototxt --plugin examples/plugins/lrcn-video.js
//
// The Python file has its folders and numbers in the code; here they are in param_str, where the prototxt gives one:
// {'frames': 'data/frames/', 'list': 'data/train.txt', 'videos': 24, 'length': 16}. Each line of the list is a video's folder and its class.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const MEAN = [103.939, 116.779, 128.68];
const [HEIGHT, WIDTH, CROP] = [240, 320, 227];

/** Videos of a batch, frames of a clip, the folder of frames and the list of videos. */
function settings(layer, isTraining) {
  const text = layer.python_param.param_str;
  const found = (key) => new RegExp(`['"]${key}['"]\\s*:\\s*['"]?([^'",}]+)`).exec(text)?.[1].trim();
  return {
    videos: Number(found("videos") ?? (isTraining ? 24 : 3)),
    length: Number(found("length") ?? 16),
    frames: found("frames") ?? "frames",
    list: found("list") ?? `ucf101_split1_${isTraining ? "train" : "test"}Videos.txt`,
  };
}

/** A frame as [3, 227, 227], blue first, minus the mean. */
async function frame(path, { left, top, isMirrored }) {
  let image = sharp(path).removeAlpha().resize(WIDTH, HEIGHT, { fit: "fill" });
  image = image.extract({ left, top, width: CROP, height: CROP });
  const pixels = await (isMirrored ? image.flop() : image).raw().toBuffer();
  const size = CROP * CROP;
  const data = Float32Array.from({ length: 3 * size }, (_, i) => {
    const c = Math.floor(i / size);
    return pixels[(i % size) * 3 + 2 - c] - MEAN[c];
  });
  return { shape: [3, CROP, CROP], data };
}

/** Numbers from 0 to below a bound, the same for the same seed (a linear congruential generator). */
function draws(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A layer of the Python file. In training, clips begin, are cropped and mirrored at random; in tests they begin with the video, in the middle. */
const reader = (name, isTraining) => ({
  type: "Python",
  module: "sequence_input_layer",
  layer: name,
  async *rows({ layer, path, seed }) {
    const { videos, length, frames, list } = settings(layer, isTraining);
    const root = path(frames);
    const draw = draws(seed);
    const lines = readFileSync(path(list), "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
    for (let at = 0; at < lines.length; at += videos) {
      const clips = Array.from({ length: videos }, (_, i) => {
        // The last batch is filled up from the start, as in Python.
        const [folder, label] = lines[(at + i) % lines.length].trim().split(/\s+/);
        const files = readdirSync(join(root, folder))
          .filter((each) => each.endsWith(".jpg"))
          .sort();
        const place = isTraining
          ? { left: draw(WIDTH - CROP + 1), top: draw(HEIGHT - CROP + 1), isMirrored: draw(2) === 1 }
          : { left: (WIDTH - CROP) >> 1, top: (HEIGHT - CROP) >> 1, isMirrored: false };
        const first = isTraining ? draw(Math.max(1, files.length - length + 1)) : 0;
        return { folder: join(root, folder), files, first, place, label: Number(label) };
      });
      // Frame after frame, and in each the videos: what a Reshape to [frames, videos, ...] takes.
      for (let t = 0; t < length; t++)
        for (const { folder, files, first, place, label } of clips) {
          const file = files[Math.min(first + t, files.length - 1)];
          const [data, labels, markers] = layer.top;
          yield { [data]: await frame(join(folder, file), place), [labels]: label, [markers]: t === 0 ? 0 : 1 };
        }
    }
  },
  batchSize(layer) {
    const { videos, length } = settings(layer, isTraining);
    return videos * length;
  },
});

/** @type {import("netrun").PluginModule} */
export default [reader("videoReadTrain_RGB", true), reader("videoReadTest_RGB", false)];
