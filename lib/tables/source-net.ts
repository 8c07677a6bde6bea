import { basename, dirname, relative, resolve } from "node:path";
import { wholeBatchSize } from "../data/feed/whole-batches.js";
import { columnsOf } from "../data/source/columns.js";
import { detectSource } from "../data/source/detect.js";
import { openSource, type SourceSpec } from "../data/source/open.js";
import { type DataSource, WHOLE } from "../data/source/source.js";
import { NetrunError } from "../error.js";
import { type ArrayPlan, arrayAutoencoderTexts, cifarTexts, dbnTexts, lenetTexts, lstmTexts } from "./nets/images.js";
import type { NetTexts } from "./nets/mlp.js";
import { iterationsOf, solverText } from "./nets/solver-text.js";

/** Kinds of nets for data that is no table. */
export type SourceKind = "lenet" | "cifar" | "dbn" | "autoencoder" | "lstm";

/** Data of a net, and its sizes. */
export interface SourceNetOptions {
  readonly data?: string | undefined;
  readonly testData?: string | undefined;
  readonly output: string;
  readonly hidden?: number | readonly number[] | undefined;
  readonly heldOut?: number | undefined;
  readonly batchSize: number | undefined;
  readonly epochs?: number | undefined;
  readonly seed: number;
}

/** Texts of a net and its solver, and the rows that it is for. */
export interface SourceNet extends NetTexts {
  readonly solver: string;
  readonly rows: number;
  readonly iterations: number;
}

interface Kind {
  readonly hidden: readonly number[];
  readonly rule: string;
  /** Height and width of an image at least. */
  readonly least?: number;
  readonly texts: (plan: ArrayPlan & { readonly tokens: number }) => NetTexts;
}

const sgd = (rate: number) => `base_lr: ${rate}\nlr_policy: "fixed"\nmomentum: 0.9\nweight_decay: 0.0005`;
const adam = (rate: number) =>
  `type: "Adam"\nbase_lr: ${rate}\nlr_policy: "fixed"\nmomentum: 0.9\nmomentum2: 0.999\ndelta: 1e-8`;

const KINDS: Readonly<Record<SourceKind, Kind>> = {
  lenet: { hidden: [500], rule: sgd(0.01), least: 16, texts: lenetTexts },
  cifar: { hidden: [64], rule: adam(0.001), least: 8, texts: cifarTexts },
  dbn: { hidden: [256, 128, 64], rule: sgd(0.1), texts: dbnTexts },
  autoencoder: { hidden: [256, 64, 256], rule: adam(0.001), texts: arrayAutoencoderTexts },
  lstm: { hidden: [64], rule: adam(0.002), texts: lstmTexts },
};

/** The embedded digits, which kinds for images are written for where no data is named. */
const DIGITS = { data: "netrun:digits/train", testData: "netrun:digits/test" } as const;
const BATCH = 64;

/** Writes the texts of a net for a data set of images, arrays or texts. Throws NetrunError for data that does not fit the kind. */
export async function sourceNet(kind: SourceKind, options: SourceNetOptions): Promise<SourceNet> {
  if (options.data === undefined && kind === "lstm")
    throw new NetrunError("which texts?", { notes: ["--data FILE: a line a text, its class before a tab"] });
  const data = options.data ?? DIGITS.data;
  const testData = options.testData ?? (data === DIGITS.data ? DIGITS.testData : undefined);
  const { hidden, rule, least = 1, texts } = KINDS[kind];
  const spec = detectSource(data);
  await using source = await openSource(spec);
  if (kind === "lstm" && spec.kind !== "text")
    throw new NetrunError("holds no texts", { file: data, notes: ["a line a text, its class before a tab"] });
  const { shape, isBytes } = inputsOf(kind, data, source, least);
  const classes = kind === "autoencoder" ? 0 : await classesOf(data, source);
  const { heldOut = 0.2, batchSize = BATCH, seed, output, epochs } = options;
  // Of so many neighbouring rows one is held out.
  const folds = testData === undefined && heldOut > 0 ? Math.max(2, Math.round(1 / heldOut)) : undefined;
  const train = named(data, output, [...(folds ? [`folds=${folds}`, "without=0"] : []), `shuffle=${seed}`]);
  const test = folds
    ? named(data, output, [`folds=${folds}`, "only=0"])
    : testData === undefined
      ? undefined
      : named(testData, output, spec.kind === "text" ? likeTraining(testData, spec) : []);
  const rows = folds ? source.length - Math.floor(source.length / folds) : source.length;
  const testRows = folds ? Math.floor(source.length / folds) : testData === undefined ? 0 : await rowsOf(testData);
  const plan = {
    ...{ name: basename(resolve(output)), shape, isBytes, classes, train, test, batchSize },
    testBatchSize: wholeBatchSize(testRows) ?? batchSize,
    hidden: [options.hidden ?? hidden].flat(),
    tokens: tokensOf(spec),
  };
  const course = { rows, batchSize, epochs };
  const folder = output.replace(/\/$/, "");
  // Units of data that is no bytes from 0 to 1 are Gaussian, which need a lower rate.
  const units = isBytes ? "" : " visible: GAUSSIAN base_lr: 0.01";
  const first = kind === "dbn" ? `# Layers are pretrained first.\npretrain { iterations: 300${units} }\n` : "";
  return {
    ...texts(plan),
    solver: solverText({
      ...course,
      comment: `netrun train ${folder}/solver.prototxt`,
      hasTest: test !== undefined,
      seed,
      rule: `${first}${rule}`,
    }),
    rows,
    iterations: iterationsOf(course),
  };
}

/** A source's name as a file in a folder has it, with more options. */
function named(data: string, folder: string, options: readonly string[]): string {
  const mark = data.lastIndexOf("?");
  const [path, query] = mark < 0 ? [data, ""] : [data.slice(0, mark), data.slice(mark + 1)];
  const all = [...(query === "" ? [] : [query]), ...options].join("&");
  const place = path.startsWith("netrun:") ? path : relative(resolve(folder), resolve(path)).replaceAll("\\", "/");
  return all === "" ? place : `${place}?${all}`;
}

function inputsOf(kind: SourceKind, file: string, { fields }: DataSource, least: number) {
  const found = Object.entries(fields).find(([name]) => name === "data") ?? Object.entries(fields)[0];
  const [name, field] = found ?? [];
  if (!field) throw new NetrunError("has no fields", { file });
  if (field.dtype === "image")
    throw new NetrunError("holds encoded images, whose sizes may differ", {
      file,
      notes: [`netrun import ${file} images.arrow --resize 32x32 makes arrays of one size`],
    });
  const { shape } = field;
  const isImages = kind === "lenet" || kind === "cifar";
  const fits = isImages ? shape.length === 3 && shape[1]! >= least && shape[2]! >= least : shape.length > 0;
  if (!fits) {
    const wanted = isImages ? `[channels, height, width] of ${least}x${least} or more` : "arrays";
    throw new NetrunError(`${name} has rows of [${shape}], and ${kind} takes ${wanted}`, { file });
  }
  return { shape, isBytes: field.dtype === "uint8" };
}

/** Number of classes: one more than the greatest label. */
async function classesOf(file: string, source: DataSource): Promise<number> {
  if (!source.fields["label"]) throw new NetrunError("has no label to predict", { file });
  let greatest = 0;
  for await (const batch of source.batches(WHOLE)) {
    const { label } = columnsOf(batch);
    if (!label || label.dtype === "image") continue;
    for (const value of label.values) {
      if (!Number.isInteger(value) || value < 0)
        throw new NetrunError(`has the label ${value}, which is no class`, { file });
      greatest = Math.max(greatest, value);
    }
  }
  if (greatest > 0) return greatest + 1;
  throw new NetrunError("has one class alone: there is nothing to predict", { file });
}

async function rowsOf(name: string): Promise<number> {
  await using source = await openSource(detectSource(name));
  return source.length;
}

/** Options with which other texts get the numbers of those to train on. */
function likeTraining(
  testData: string,
  { path, length, tokens, hash, vocabulary = path }: Extract<SourceSpec, { kind: "text" }>,
) {
  const [testPath = ""] = testData.split("?");
  const place = relative(dirname(resolve(testPath)), resolve(vocabulary)).replaceAll("\\", "/");
  const named = encodeURIComponent(place).replaceAll("%2F", "/");
  return [`length=${length}`, `tokens=${tokens}`, ...(hash ? ["hash=true"] : []), `vocabulary=${named}`];
}

/** Different tokens of texts. Of data that has none 0. */
const tokensOf = (spec: SourceSpec): number => (spec.kind === "text" ? spec.tokens : 0);
