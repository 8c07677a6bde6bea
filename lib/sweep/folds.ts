import { findPath } from "../caffe/files.js";
import { filterNet } from "../caffe/filter.js";
import { has } from "../caffe/message.js";
import type { NetParameter, NetState } from "../caffe/messages.js";
import { wholeBatchSize } from "../data/feed/whole-batches.js";
import { detectSource, isFrame } from "../data/source/detect.js";
import { openRecords } from "../data/source/open.js";
import { NetrunError } from "../error.js";
import type { TrialOptions } from "./trial.js";

/** The data of one fold's training and test. */
export type FoldData = Pick<TrialOptions, "data" | "testData" | "testBatchSize">;

/** A net, and what is given in place of its data. */
export interface FoldedNet {
  readonly net: NetParameter;
  readonly state: NetState;
  readonly baseDir: string;
  readonly options: TrialOptions;
}

/**
 * The data of each fold of a cross-validation: all rows but the fold's to train on, the fold's to test on. The rows are those of `data`, else
 * of the data layer of the train net. Throws NetrunError where there is no such data, or too little.
 */
export async function foldData(count: number, folded: FoldedNet): Promise<readonly FoldData[]> {
  const { options } = folded;
  if (options.testData !== undefined)
    throw new NetrunError("folds are tested on rows of the data themselves", { notes: ["leave --test-data out"] });
  const data = options.data ?? sourceOf(folded);
  if (isFrame(data)) {
    throw new NetrunError(`"${data}" is a DataFrame, which has no folds`, {
      notes: ["folds are cut from files: name those in --data, by a path that every machine sees"],
    });
  }
  const part = (index: number, option: "without" | "only") =>
    `${data}${data.includes("?") ? "&" : "?"}folds=${count}&${option}=${index}`;
  const folds: FoldData[] = [];
  for (let index = 0; index < count; index++) {
    await using held = await openRecords(detectSource(part(index, "only")));
    const testBatchSize = options.testBatchSize ?? wholeBatchSize(held.length);
    folds.push({
      data: part(index, "without"),
      testData: part(index, "only"),
      ...(testBatchSize !== undefined && { testBatchSize }),
    });
  }
  return folds;
}

/** The one source that the data layers of a train net name. */
function sourceOf({ net, state, baseDir }: FoldedNet): string {
  const named = filterNet(net, state).layer.flatMap(({ data_param: param }) =>
    param && has(param, "source") ? [param.source] : [],
  );
  const sources = [...new Set(named)];
  if (sources.length !== 1)
    throw new NetrunError(
      sources.length === 0
        ? "the train net has no Data layer whose rows could be folds"
        : `the train net reads several sources: ${sources.join(", ")}`,
      { notes: ["name the rows: --data PATH"] },
    );
  const [path, query] = split(sources[0]!);
  return `${findPath(path, baseDir) ?? path}${query}`;
}

function split(source: string): readonly [path: string, query: string] {
  const mark = source.lastIndexOf("?");
  return mark < 0 ? [source, ""] : [source.slice(0, mark), source.slice(mark)];
}

/** Mean and deviation (with the divisor n - 1) of the scores of folds. */
export function meanOf(scores: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return { mean, deviation: scores.length < 2 ? 0 : Math.sqrt(squares / (scores.length - 1)) };
}
