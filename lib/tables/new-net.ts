import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { wholeBatchSize } from "../data/feed/whole-batches.js";
import { type Preparation, writePreparation } from "../data/source/prepared/preparation.js";
import { survey } from "../data/source/prepared/survey.js";
import { NetrunError } from "../error.js";
import { makeOutputFolder, writeWhole } from "../file.js";
import { COURSE_OF_NET, TABLE_NET } from "../options/new-net.js";
import { type ApiOptions, checkOptions } from "../options/option.js";
import { autoencoderTexts, mlpTexts, type TableNetOptions } from "./nets/mlp.js";
import { type SourceKind, sourceNet } from "./source-net.js";
import { isTable as isTableFile, namedTable } from "./table-spec.js";
import { adaDelta, iterationsOf, solverText } from "./nets/solver-text.js";

/** Kinds of nets that are written for data. */
export const NET_KINDS = ["mlp", "autoencoder", "dbn", "lenet", "cifar", "lstm"] as const;

/** A net to write, and the data that it is for. */
export interface NewNetOptions extends TableNetOptions, ApiOptions<typeof COURSE_OF_NET> {
  readonly kind: (typeof NET_KINDS)[number];
  /** The data: a table such as `iris.csv?label=species` for "mlp", any data set for others, which are for netrun's digits without it. */
  readonly data?: string | undefined;
  /** The column to predict, in place of `label` behind the table's question mark. */
  readonly label?: string | undefined;
  /** The table to test on; without it a share of the rows is held out. */
  readonly testData?: string | undefined;
  /** The folder to write to. */
  readonly output: string;
  /** Replaces files that are there. Default false. */
  readonly overwrite?: boolean | undefined;
}

/** The files that were written. */
export interface NewNet {
  readonly folder: string;
  readonly files: readonly string[];
  /** Rows to train on, inputs of a row, and rows without a label, which are skipped. */
  readonly rows: number;
  readonly unlabelled: number;
  readonly iterations: number;
  /** The preparation of a table's rows. */
  readonly preparation?: Preparation;
}

/**
 * Looks through data and writes a net for it, as files to read, change and train: `solver.prototxt`, `train_test.prototxt`,
 * `deploy.prototxt` and, for a table, `preparation.json`, which says how a row becomes inputs. Throws NetrunError, located, for data
 * that nothing can be trained on, and options that do not fit it.
 */
export async function newNet(options: NewNetOptions): Promise<NewNet> {
  checkOptions(TABLE_NET, options);
  checkOptions(COURSE_OF_NET, options);
  const { kind, output } = options;
  if (!NET_KINDS.includes(kind)) throw new NetrunError(`there is no kind "${kind}" of net: ${NET_KINDS.join(", ")}`);
  const isTable = kind === "mlp" || (kind === "autoencoder" && options.data !== undefined && isTableFile(options.data));
  const names = ["train_test.prototxt", "deploy.prototxt", "solver.prototxt"];
  const files = [...(isTable ? ["preparation.json"] : []), ...names].map((name) => join(output, name));
  const there = files.find((file) => existsSync(file));
  if (there !== undefined && !options.overwrite)
    throw new NetrunError("is there already", { file: there, notes: ["give another folder, or --overwrite"] });
  return isTable ? tableNet(options, files) : arrayNet(options, files);
}

/** Options that nets for other data than tables have. */
const OF_ARRAYS: readonly string[] = ["hidden", "heldOut"];

async function arrayNet(options: NewNetOptions, files: readonly string[]): Promise<NewNet> {
  const { kind, output, seed = 1, batchSize } = options;
  const given = Object.keys(TABLE_NET).find(
    (name) => !OF_ARRAYS.includes(name) && options[name as keyof NewNetOptions] !== undefined,
  );
  if (given !== undefined) throw new NetrunError(`${given} has no effect: it is for tables`);
  const { trainTest, deploy, solver, rows, iterations } = await sourceNet(kind as SourceKind, {
    ...options,
    seed,
    batchSize,
  });
  makeOutputFolder(output);
  for (const [i, text] of [trainTest, deploy, solver].entries()) await writeWhole(files[i]!, text);
  return { folder: output, files, rows, unlabelled: 0, iterations };
}

async function tableNet(options: NewNetOptions, files: readonly string[]): Promise<NewNet> {
  const { kind, output, batchSize = 32, seed = 1, l1, l2 } = options;
  if (options.data === undefined)
    throw new NetrunError("which table?", { notes: ["--data FILE names it: CSV, TSV, Parquet or Arrow"] });
  const { spec, label = options.label } = namedTable(options.data);
  const test = options.testData === undefined ? undefined : namedTable(options.testData);
  if (kind === "mlp" && label === undefined)
    throw new NetrunError("which column is to be predicted?", {
      notes: [`name it: --label NAME, or --data '${options.data}?label=NAME'`],
    });
  const { preparation, rows, testRows, unlabelled } = await survey(spec, {
    // An autoencoder predicts no label: its column is skipped.
    ...(kind === "mlp" ? { label } : {}),
    labelKind: options.loss === undefined ? undefined : options.loss === "softmax" ? "classes" : "number",
    ignore: [...(options.ignore ?? []), ...(kind === "autoencoder" && label !== undefined ? [label] : [])],
    categories: options.categories,
    form: options.embed === undefined ? "one-hot" : "index",
    maxCategories: options.maxCategories ?? 1000,
    testTable: test?.spec,
    heldOut: options.heldOut ?? 0.2,
    seed,
  });
  refuseUnused(options, preparation);
  const name = basename(resolve(output));
  const hidden = [options.hidden ?? [64, 64]].flat();
  const plan = {
    name,
    preparation,
    options: { ...options, hidden },
    batchSize,
    testBatchSize: wholeBatchSize(testRows) ?? batchSize,
    seed,
  };
  const texts = kind === "mlp" ? mlpTexts(plan) : autoencoderTexts(plan);
  const course = { rows, batchSize, epochs: options.epochs };
  const solver = solverText({
    ...course,
    comment: `netrun train ${output.replace(/\/$/, "")}/solver.prototxt`,
    hasTest: preparation.heldOut > 0 || test !== undefined,
    seed,
    rule: adaDelta({ l1, l2 }),
  });
  makeOutputFolder(output);
  await writePreparation(files[0]!, preparation);
  for (const [i, text] of [texts.trainTest, texts.deploy, solver].entries()) await writeWhole(files[i + 1]!, text);
  return { folder: output, files, rows, unlabelled, iterations: iterationsOf(course), preparation };
}

/** Throws NetrunError for options that would change nothing. */
function refuseUnused(options: NewNetOptions, { label, columns }: Preparation): void {
  const refuse = (name: keyof NewNetOptions, why: string) => {
    if (options[name] !== undefined) throw new NetrunError(`${name} has no effect: ${why}`);
  };
  if (label?.kind !== "classes") refuse("classWeights", "the net predicts no classes");
  if (options.loss !== "quantile") refuse("quantile", "it is of the loss quantile");
  if (options.kind === "autoencoder") {
    refuse("loss", "an autoencoder's is Euclidean");
    refuse("embed", "an autoencoder gives its inputs again, which are one-hot");
  }
  if (!columns.some(({ kind }) => kind === "category")) refuse("embed", "no column holds categories");
}
