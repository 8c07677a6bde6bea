import { Worker } from "node:worker_threads";
import { NetrunError } from "../../error.js";
import { count } from "../../graph/type.js";
import type { LabelRanges } from "../../net/label-ranges.js";
import { unpackError } from "../../wire-error.js";
import type { Tensor } from "../tensor.js";
import type { ByteRows } from "./byte-rows.js";
import type { Feed, FeedSpec } from "./feed-spec.js";
import type { FeedReply, FeedRequest } from "./feed-worker.js";

/** Batches prepared ahead, as in Caffe, but no more than fit this many bytes. */
const PREFETCH = 4;
const PREFETCH_BYTES = 256 * 2 ** 20;

/** Batches that a device takes at once: the next ones are prepared while it computes. */
const PREFETCH_FOR_DEVICE = 100;

/** Number of batches of these shapes are prepared ahead, of those that are wanted. */
export function prefetchDepth(shapes: Feed["shapes"], wanted: number = PREFETCH): number {
  const bytes = Object.values(shapes).reduce((sum, shape) => sum + 4 * count(shape), 0);
  return Math.max(1, Math.min(wanted, Math.floor(PREFETCH_BYTES / bytes)));
}

type BatchReply = Extract<FeedReply, { kind: "batch" }>;

interface Waiting {
  resolve(reply: BatchReply): void;
  reject(error: unknown): void;
}

/** Batches that are made in the calling thread before a thread is started: short runs are over before it would be up. */
const LOCAL_BATCHES = 6;

/**
 * A feed that decodes and transforms in a thread of its own, so that neither waits for the other. Feeds are also opened for their
 * shapes or a few batches alone, and a thread takes a quarter of a second to start: the first batches are made locally, and
 * the thread takes over, at the same position, when it is up. It does not keep the process alive.
 */
export class ThreadedFeed implements Feed {
  readonly shapes: Feed["shapes"];
  readonly length: number;
  #spec: FeedSpec;
  #depth: number;
  #local: Feed | undefined;
  #worker: Worker | undefined;
  #ranges: LabelRanges = {};
  #isUp = false;
  #given = 0;
  #position = 0;
  #skipped: Feed["skipped"] = { count: 0 };
  /** Rows skipped by the local feed. */
  #skippedBefore = 0;
  /** Requests on their way, oldest first; those of before a seek are answered too, to nobody. */
  #waiting: Waiting[] = [];
  #ready: Promise<BatchReply>[] = [];

  /** Takes over an open feed of the same spec. */
  constructor(spec: FeedSpec, local: Feed) {
    this.shapes = local.shapes;
    this.length = local.length;
    this.#spec = spec;
    this.#local = local;
    this.#depth = prefetchDepth(local.shapes, spec.prefetch);
  }

  get position(): number {
    return this.#position;
  }

  get skipped(): Feed["skipped"] {
    return this.#skipped;
  }

  async next(): Promise<Readonly<Record<string, Tensor>>> {
    if (++this.#given > LOCAL_BATCHES) this.#start();
    const local = this.#local;
    if (!local) return this.#nextOfThread(this.#worker!);
    if (this.#isUp) {
      this.#local = undefined;
      this.#skippedBefore = local.skipped.count;
      await this.seek(this.#position);
      await local[Symbol.asyncDispose]();
      return this.#nextOfThread(this.#worker!);
    }
    const tensors = await local.next();
    this.#position = local.position;
    this.#skipped = local.skipped;
    return tensors;
  }

  sendBytes(): ByteRows | undefined {
    this.#depth = prefetchDepth(this.shapes, this.#spec.prefetch ?? PREFETCH_FOR_DEVICE);
    const byteRows = this.#local?.sendBytes?.();
    if (byteRows && this.#spec.kind === "records") this.#spec = { ...this.#spec, asBytes: byteRows.shape };
    return byteRows;
  }

  restrict(ranges: LabelRanges): void {
    this.#ranges = ranges;
    this.#local?.restrict(ranges);
    if (this.#worker) post(this.#worker, { kind: "restrict", ranges });
  }

  async check(): Promise<void> {
    await this.#local?.check();
  }

  recycle(batch: Readonly<Record<string, Tensor>>): void {
    if (this.#local) this.#local.recycle(batch);
    else if (this.#worker) {
      const buffers = Object.values(batch).map(({ data }) => data.buffer as ArrayBuffer);
      this.#worker.postMessage({ kind: "recycle", batch } satisfies FeedRequest, buffers);
    }
  }

  async seek(position: number): Promise<void> {
    this.#position = position;
    this.#ready = [];
    if (this.#worker) post(this.#worker, { kind: "seek", position });
    await this.#local?.seek(position);
  }

  async #nextOfThread(worker: Worker): Promise<Readonly<Record<string, Tensor>>> {
    while (this.#ready.length < this.#depth) this.#ready.push(this.#ask(worker));
    // While somebody waits, the thread has to keep the process alive.
    worker.ref();
    try {
      const { tensors, end, skipped } = await this.#ready[0]!;
      this.#ready.shift();
      this.#ready.push(this.#ask(worker));
      this.#position = end;
      this.#skipped = { ...skipped, count: this.#skippedBefore + skipped.count };
      return tensors;
    } finally {
      worker.unref();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#local?.[Symbol.asyncDispose]();
    const worker = this.#worker;
    this.#worker = undefined;
    if (!worker) return;
    worker.ref();
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    post(worker, { kind: "close" });
    await ended;
  }

  #start(): void {
    if (this.#worker) return;
    const workerData = { spec: this.#spec, position: this.#position, ranges: this.#ranges };
    // Flags of the program that started this one (`--input-type`, `--eval`) would break a worker that is a file.
    const worker = new Worker(new URL("./feed-worker.js", import.meta.url), { workerData, execArgv: [] });
    worker.on("message", (reply: FeedReply) => this.#answer(reply));
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", () => this.#fail(new NetrunError("the feed is closed")));
    worker.unref();
    this.#worker = worker;
    // Its first batch is a warm-up and thrown away; what goes wrong shows again in those that count.
    const up = (): void => {
      this.#isUp = true;
    };
    this.#ask(worker).then(up, up);
  }

  #ask(worker: Worker): Promise<BatchReply> {
    const answer = new Promise<BatchReply>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    // The error reaches whoever calls next(); until then it is not unhandled.
    answer.catch(() => {});
    post(worker, { kind: "next" });
    return answer;
  }

  #answer(reply: FeedReply): void {
    const waiting = this.#waiting.shift()!;
    if (reply.kind === "batch") waiting.resolve(reply);
    else waiting.reject(unpackError(reply.error));
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting = [];
  }
}

function post(worker: Worker, request: FeedRequest): void {
  worker.postMessage(request);
}
