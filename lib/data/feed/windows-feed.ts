import type { Mean } from "../../caffe/mean.js";
import { NetrunError } from "../../error.js";
import { random } from "../../random.js";
import { readImageFile } from "../image/file.js";
import { decodeImage, type Image } from "../image/image.js";
import { readWindowList, type Window, type WindowList } from "../source/windows/list.js";
import { type Warped, warp } from "../source/windows/warp.js";
import type { Tensor } from "../tensor.js";
import { BatchFeed } from "./batch-feed.js";
import type { Feed, WindowsSpec } from "./feed-spec.js";
import { Skipped } from "./skipped.js";

/** Windows that are drawn in place of one whose image cannot be used, before that is the end all the same. */
const TRIES = 100;

/**
 * A feed of windows chosen at random: of each batch the first part background, the last `foregroundShare` of it (rounded
 * down) foreground. Throws a NetrunError where the window file is damaged or lacks one of the two.
 */
export async function windowFeed(spec: WindowsSpec, mean: Mean | undefined, prefetch: number): Promise<Feed> {
  const list = readWindowList(spec.list, spec.foregroundAbove, spec.backgroundBelow);
  const foreground = Math.trunc(Math.fround(spec.batchSize * Math.fround(spec.foregroundShare)));
  const lacking = foreground > 0 && list.foreground.length === 0 ? "foreground" : "background";
  if ((lacking === "foreground" || foreground < spec.batchSize) && list[lacking].length === 0)
    throw new NetrunError(`no ${lacking} windows within the overlap thresholds`, { file: spec.list });
  checkMean(spec, list, mean);
  const { cropSize } = spec.transform;
  const shape = [spec.batchSize, list.channels, cropSize, cropSize];
  const images = imageReader(spec, list);
  const skipped = new Skipped();
  return new BatchFeed({
    shapes: { [spec.tops[0]!]: shape, [spec.tops[1]!]: [spec.batchSize] },
    length: list.foreground.length + list.background.length,
    batchSize: spec.batchSize,
    prefetch,
    skipped: () => skipped.state,
    make: async (batch) => {
      const draws = random(spec.seed, spec.shard.index, batch);
      const chosen = Array.from({ length: spec.batchSize }, (_, i) => {
        const windows = i < spec.batchSize - foreground ? list.background : list.foreground;
        const window = windows[draws.integer(windows.length)]!;
        return { window, mirrored: spec.transform.mirror && draws.integer(2) === 1 };
      });
      const data: Tensor = { shape, data: new Float32Array(shape.reduce((a, b) => a * b)) };
      const load = async (choice: Chosen, i: number): Promise<number> => {
        const again = random(spec.seed, spec.shard.index, batch, i);
        let { window } = choice;
        for (let tries = 1; ; tries++)
          try {
            const image = await images(window.image);
            write(data, i, warpIn(spec, list, image, window, choice.mirrored), choice.mirrored, spec, mean);
            return window.label;
          } catch (error) {
            if (spec.onBadRecord === "fail" || tries === TRIES || !(error instanceof NetrunError)) throw error;
            skipped.add(error);
            const windows = i < spec.batchSize - foreground ? list.background : list.foreground;
            window = windows[again.integer(windows.length)]!;
          }
      };
      const labels = Float32Array.from(await Promise.all(chosen.map(load)));
      return { [spec.tops[0]!]: data, [spec.tops[1]!]: { shape: [spec.batchSize], data: labels } };
    },
  });
}

interface Chosen {
  readonly window: Window;
  readonly mirrored: boolean;
}

function imageReader(spec: WindowsSpec, list: WindowList): (index: number) => Promise<Image> {
  const cache = new Map<number, Promise<Uint8Array>>();
  return async (index) => {
    const path = spec.root + list.images[index]!;
    try {
      const bytes = cache.get(index) ?? readImageFile(path);
      if (spec.cacheImages) cache.set(index, bytes);
      return await decodeImage(await bytes, "color");
    } catch (cause) {
      const message = cause instanceof NetrunError ? cause.message : "cannot read the image";
      throw new NetrunError(message, { file: path, notes: [`image ${index} of ${spec.list}`, String(cause)], cause });
    }
  };
}

function warpIn(spec: WindowsSpec, list: WindowList, image: Image, window: Window, mirrored: boolean): Warped {
  const [channels, height, width] = image.shape;
  const { x1, y1, x2, y2 } = window;
  const inside = 0 <= x1 && x1 <= x2 && x2 < width && 0 <= y1 && y1 <= y2 && y2 < height;
  if (!inside || channels !== list.channels)
    throw new NetrunError(
      `the window [${[x1, y1, x2, y2]}] of ${list.channels} channels is not inside the image [${image.shape}]`,
      { file: spec.root + list.images[window.image]!, notes: [`image ${window.image} of ${spec.list}`] },
    );
  return warp(image, window, { cropSize: spec.transform.cropSize, ...spec }, mirrored);
}

/** Writes a warped window into row `row`: (pixel - mean) * scale, the mean image's centre under the crop. */
function write(
  target: Tensor,
  row: number,
  { image, left, top }: Warped,
  mirrored: boolean,
  { transform }: WindowsSpec,
  mean: Mean | undefined,
): void {
  const crop = transform.cropSize;
  const [channels, height, width] = image.shape;
  const scale = Math.fround(transform.scale);
  const [, meanHeight = 0, meanWidth = 0] = mean?.shape ?? [];
  const meanOffset = Math.trunc((meanWidth - crop) / 2);
  for (let c = 0; c < channels; c++) {
    const value = Math.fround(transform.meanValues[c] ?? transform.meanValues[0] ?? 0);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const pixel = image.pixels[(c * height + y) * width + (mirrored ? width - 1 - x : x)]!;
        const under = mean
          ? mean.data[(c * meanHeight + y + meanOffset + top) * meanWidth + x + meanOffset + left]!
          : value;
        target.data[((row * channels + c) * crop + y + top) * crop + x + left] = Math.fround(pixel - under) * scale;
      }
  }
}

function checkMean({ transform }: WindowsSpec, { channels }: WindowList, mean: Mean | undefined): void {
  const { cropSize, meanValues, meanFile } = transform;
  if (mean && meanValues.length > 0) throw new NetrunError("transform_param has both mean_file and mean_value");
  if (meanValues.length > 1 && meanValues.length !== channels)
    throw new NetrunError(`transform_param has ${meanValues.length} mean_value but the data ${channels} channels`);
  const [c = 0, height = 0, width = 0] = mean?.shape ?? [channels, cropSize, cropSize];
  if (c !== channels || height !== width || width < cropSize)
    throw new NetrunError(
      `the mean has the shape [${mean?.shape}]; [${channels}, n, n] with n >= ${cropSize} is needed`,
      {
        file: meanFile,
      },
    );
}
