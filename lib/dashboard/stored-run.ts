import { existsSync } from "node:fs";
import { basename } from "node:path";
import { loadNet } from "../caffe/load.js";
import type { SolverParameter } from "../caffe/messages.js";
import type { StoredWeights } from "../caffe/stored.js";
import { readWeights } from "../caffe/weights.js";
import { NetrunError } from "../error.js";
import { drawNet } from "../inspect/draw.js";
import type { Digest } from "../runs/digest.js";
import { askTraining } from "../runs/control-box.js";
import { type RunStatus, statusOf } from "../runs/list.js";
import { type LogReader, readDigest } from "../runs/read-log.js";
import { folderOfRun, type RunInfo, readRunInfo, readRunSolver, runFiles } from "../runs/run-folder.js";
import { addEvent } from "../runs/digest.js";
import type { Logged } from "../train/event-log.js";
import type { Control } from "../train/requests.js";
import { activationsOf, filtersOf } from "./images.js";
import type { RunDescription, RunView, ShownBlob } from "./run-view.js";
import { runSettings, sweptSettings } from "./settings.js";

/** A run on disk: the folder of one, which may be running, or a JSON log alone. Throws NetrunError where it is neither. */
export class StoredRunView implements RunView {
  readonly id: string;
  readonly #solver: SolverParameter | undefined;
  readonly #name: string;
  readonly digest: Digest;
  readonly #folder: string | undefined;
  readonly #info: RunInfo | undefined;
  readonly #reader: LogReader;

  /** `name` by default is the run's own. */
  constructor(path: string, id: string, name?: string) {
    this.#folder = folderOfRun(path);
    if (this.#folder === undefined && !existsSync(path)) throw new NetrunError("no such run or log", { file: path });
    const files = this.#folder === undefined ? undefined : runFiles(this.#folder);
    const { digest, reader } = readDigest(files?.events ?? path, files?.digest);
    if (digest.start === undefined && files === undefined)
      throw new NetrunError("there is nothing of a training in this log", {
        file: path,
        notes: ["the dashboard reads folders of --run and files of --log-json"],
      });
    this.digest = digest;
    this.#reader = reader;
    this.#info = this.#folder === undefined ? undefined : readRunInfo(this.#folder);
    this.#solver = this.#folder === undefined ? undefined : readRunSolver(this.#folder).solver;
    this.id = id;
    this.#name = name ?? this.#info?.name ?? basename(path);
  }

  get description(): RunDescription {
    return {
      name: this.#name,
      takesControls: this.#folder !== undefined,
      settings: { ...runSettings(this.digest, this.#solver), ...sweptSettings(this.#info) },
    };
  }

  get status(): RunStatus {
    if (this.#folder !== undefined) return statusOf(this.#folder, this.digest);
    const { done } = this.digest;
    return done === undefined ? "running" : done.stopped === undefined ? "done" : "stopped";
  }

  poll(): readonly Logged[] {
    const events = [...this.#reader.next()];
    for (const each of events) addEvent(this.digest, each);
    return events;
  }

  /** The training may be in another process: it finds what is asked of it in its folder. */
  control(control: Control): void {
    if (this.#folder === undefined) throw new NetrunError("a log cannot be asked for anything");
    askTraining(this.#folder, control);
  }

  async drawing(): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined;
    return drawNet(runFiles(this.#folder).net, { phase: "TRAIN", baseDir: this.#info?.netFolder ?? "." });
  }

  async filters(): Promise<Buffer | undefined> {
    const weights = await this.#weights();
    return weights && filtersOf(weights);
  }

  async activations(image: Buffer): Promise<readonly ShownBlob[] | undefined> {
    const weights = await this.#weights();
    if (this.#folder === undefined || !weights) return undefined;
    const { message } = loadNet(runFiles(this.#folder).net);
    return activationsOf({ message, baseDir: this.#info?.netFolder ?? ".", weights }, image);
  }

  /** The weights of the newest snapshot, or the best ones. */
  async #weights(): Promise<StoredWeights | undefined> {
    const models = [this.digest.snapshots.at(-1)?.paths.model, this.digest.best?.path];
    const model = models.find((path) => path !== undefined && existsSync(path));
    return model === undefined ? undefined : readWeights(model);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
