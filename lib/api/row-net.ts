import type { Feed, FeedSpec } from "../data/feed/feed.js";
import { sourceFeedSpec } from "../data/feed/layer.js";
import { openLocalFeed } from "../data/feed/open-feed.js";
import type { FrameSpec } from "../data/source/spark.js";
import { NetrunError } from "../error.js";
import { count } from "../graph/index.js";
import { type ModelEnd, openModelFile } from "../onnx/file.js";
import { unknownBlob } from "../run/inputs.js";
import { shapeOfRow } from "./extract.js";
import { Net, type NetOptions, type Tensors } from "./net.js";

/** Net and rows of a run over pieces, and the outputs wanted. */
export interface RowNetOptions extends Omit<NetOptions, "data"> {
  /** The path of a prototxt, or of an ONNX file. */
  readonly model: string;
  /** Names of the blobs to give; of an ONNX file, outputs. */
  readonly blobs: readonly string[];
}

/** A net with the feeds of its data, which each piece of the rows is read by. */
interface Opened extends AsyncDisposable {
  readonly feeds: readonly FeedSpec[];
  readonly batchSize: number;
  forward(batch: Tensors): Promise<Tensors>;
}

/** Batches that are made ahead: decoding images overlaps with the net. */
const AHEAD = 2;

/** A net that runs over the rows of a table, piece by piece: the numbers of `extract`, for rows that are in no file. */
export class RowNet implements AsyncDisposable {
  readonly #opened: Opened;
  readonly #frame: FrameSpec;
  readonly #blobs: readonly string[];
  readonly batchSize: number;

  private constructor(opened: Opened, frame: FrameSpec, blobs: readonly string[]) {
    this.#opened = opened;
    this.#frame = frame;
    this.#blobs = blobs;
    this.batchSize = opened.batchSize;
  }

  /** Opens the net by some rows, whose columns those of all pieces are. Throws NetrunError where they do not fit. */
  static async open(options: RowNetOptions, frame: FrameSpec): Promise<RowNet> {
    const blobs = [...new Set(options.blobs)];
    const open = options.model.endsWith(".onnx") ? openModel : openNet;
    return new RowNet(await open({ ...options, blobs }, frame), frame, blobs);
  }

  /** The blobs of the rows of a piece, [rows, ...], in their order. Throws NetrunError for a row that cannot be used. */
  async run({ path, rows }: Pick<FrameSpec, "path" | "rows">): Promise<Tensors> {
    const source = { ...this.#frame, kind: "spark", path, rows } as const;
    const feeds: Feed[] = [];
    try {
      for (const feed of this.#opened.feeds)
        feeds.push(await openLocalFeed(feed.kind === "records" ? { ...feed, source } : feed, AHEAD));
      return await this.#runOver(feeds, rows);
    } finally {
      for (const feed of feeds) await feed[Symbol.asyncDispose]();
    }
  }

  async #runOver(feeds: readonly Feed[], rows: number): Promise<Tensors> {
    const all: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
    for (let done = 0; done < rows; done += this.batchSize) {
      const batch = Object.assign({}, ...(await Promise.all(feeds.map((feed) => feed.next())))) as Tensors;
      const tensors = await this.#opened.forward(batch);
      for (const name of this.#blobs) {
        const { shape, data } = tensors[name]!;
        const row = shapeOfRow(name, shape, this.batchSize);
        const width = count(row);
        all[name] ??= { shape: [rows, ...row], data: new Float32Array(rows * width) };
        // The last batch is filled from the start of the piece again.
        all[name].data.set(data.subarray(0, Math.min(this.batchSize, rows - done) * width), done * width);
      }
    }
    return all;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#opened[Symbol.asyncDispose]());
  }
}

async function openNet({ model, blobs, ...options }: RowNetOptions, frame: FrameSpec): Promise<Opened> {
  const net = await Net.load(model, { ...options, data: { kind: "spark", ...frame } });
  try {
    const { plan } = net.forwardPlan(blobs, {}, true);
    const batchSize = net.shapes.get(net.inputs[0]!)![0]!;
    for (const name of blobs) shapeOfRow(name, net.shapes.get(name)!, batchSize);
    return {
      feeds: plan.net.feeds,
      batchSize,
      forward: (batch) => net.forward(batch, { blobs }),
      [Symbol.asyncDispose]: () => net[Symbol.asyncDispose](),
    };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

/** Rows of a batch where neither the file nor the caller says how many. */
const BATCH_SIZE = 64;

async function openModel(options: RowNetOptions, frame: FrameSpec): Promise<Opened> {
  const { model, blobs, seed = 1, transform, onBadRecord } = options;
  if ([options.weights ?? []].flat().length > 0) {
    throw new NetrunError("an ONNX file has its weights in it", { file: model, notes: ["leave weights out"] });
  }
  const file = await openModelFile(model, { threads: options.threads });
  const unknown = blobs.find((blob) => !file.outputs.includes(blob));
  if (unknown !== undefined) throw unknownBlob(`the model has no output "${unknown}"`, unknown, file.outputs);
  const fixed = file.inputs.map(({ shape }) => shape[0]).find(isFixed);
  if (fixed !== undefined && options.batchSize !== undefined && fixed !== options.batchSize)
    throw new NetrunError(`a batch of ${options.batchSize} rows, and the model takes ${fixed}`, { file: model });
  const batchSize = fixed ?? options.batchSize ?? BATCH_SIZE;
  const tops = file.inputs.map(({ name }) => name);
  const wanted = Object.fromEntries(file.inputs.flatMap((end) => rowOf(end)));
  const choice = {
    phase: "TEST",
    seed,
    onBadRecord: onBadRecord ?? "fail",
    wanted,
    ...(transform && { transform }),
  } as const;
  return {
    feeds: [sourceFeedSpec({ kind: "spark", ...frame }, tops, batchSize, choice)],
    batchSize,
    forward: (batch) => file.run(batch),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

const isFixed = (dim: number | string | undefined): dim is number => typeof dim === "number" && dim > 0;

/** The shape of an input's row, where it has no open dims. */
function rowOf({ name, shape }: ModelEnd): readonly (readonly [string, readonly number[]])[] {
  const row = shape.slice(1);
  return row.every(isFixed) ? [[name, row as readonly number[]]] : [];
}
