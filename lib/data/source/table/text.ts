import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { RecordBatch } from "apache-arrow";
import { allocCounter } from "../../../budget.js";
import { readText } from "../../../caffe/files.js";
import { NetrunError } from "../../../error.js";
import { linesIn } from "../../../file.js";
import type { DataSource } from "../source.js";
import type { TableField } from "./cells.js";
import { LabelSet } from "./labels.js";
import { type Row, rowBatches } from "./rows.js";
import { spooled } from "./spool.js";

/** A text file, or a folder with a folder of text files for each class, and how texts become numbers. */
export interface TextSpec {
  readonly path: string;
  /** Tokens in a row: longer texts are cut off, shorter ones filled up with 0. */
  readonly length: number;
  /**
   * Number of numbers there are for tokens. Token 0 is padding. With a vocabulary 1 is any other token and the most
   * frequent ones follow; with hashing tokens share the numbers from 1 on.
   */
  readonly tokens: number;
  readonly hash: boolean;
  /** Texts, as `path` has them, whose vocabulary and classes these texts get: those of the training. Default: their own. */
  readonly vocabulary?: string | undefined;
}

/** Content of a row of tokens: a text and its class, if it has one. */
interface Passage {
  readonly text: string;
  /** The line of the file, or the number of the file from 0. */
  readonly line: number;
  readonly label: string | undefined;
}

/**
 * Texts as rows of token numbers: a line each of a file, where a class may stand before a tab, or a file each of a folder
 * with a folder for each class. Tokens are runs of letters and digits in lower case, or single other signs.
 * Fields data [length] and, where there are classes, label. Where classes stand in some lines only, the others cannot be used. Throws a NetrunError.
 */
export async function textSource(spec: TextSpec): Promise<DataSource> {
  const { files, passages } = textsIn(spec.path);
  const known = spec.vocabulary === undefined ? undefined : textsIn(spec.vocabulary);
  if (!(spec.length > 0 && spec.tokens > 1))
    throw new NetrunError(`texts of ${spec.length} tokens out of ${spec.tokens} make no rows`, { file: spec.path });
  const pathsOf = ({ path, files: each }: Texts) => each?.map((file) => file.path) ?? [path];
  const states = [...pathsOf({ path: spec.path, files, passages }), ...(known ? pathsOf(known) : [])];
  const where = (line: number): string => files?.[line]?.path ?? `${spec.path}: line ${line}`;
  const convertAll = () => convert(spec, passages, known?.passages ?? passages);
  return spooled({ files: states, options: spec, convert: convertAll, where });
}

/** Texts of a file or folder. */
interface Texts {
  readonly path: string;
  readonly files: readonly ClassFile[] | undefined;
  readonly passages: () => Iterable<Passage>;
}

function textsIn(path: string): Texts {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new NetrunError("no such file or folder", { file: path });
  const files = stat.isDirectory() ? classFiles(path) : undefined;
  return { path, files, passages: () => (files ? filePassages(files) : linePassages(path)) };
}

async function* convert(
  spec: TextSpec,
  passages: () => Iterable<Passage>,
  vocabulary: () => Iterable<Passage>,
): AsyncGenerator<RecordBatch> {
  const { labels, counts } = survey(spec, vocabulary());
  const known = labels.sorted();
  const isLabelled = passages === vocabulary || hasLabels(passages());
  const texts = isLabelled ? known : [];
  if (!texts) throw new NetrunError("too many different texts before tabs to be classes", { file: spec.path });
  const classes = new Set(texts);
  const number = spec.hash ? hashed(spec.tokens) : frequent(spec.tokens, counts);
  const fields: TableField[] = [{ name: "data", dtype: "int32", shape: [spec.length] }];
  if (texts.length > 0) fields.push({ name: "label", dtype: "int32", shape: [], labels: texts });
  const rows = (function* (): Generator<Row> {
    for (const { text, line, label } of passages()) {
      const data = new Int32Array(spec.length);
      let at = 0;
      for (const token of tokensOf(text)) {
        if (at === spec.length) break;
        data[at++] = number(token);
      }
      const failure = texts.length > 0 ? labelFailure(label, texts, classes) : undefined;
      yield { cells: [data, failure === undefined ? label : texts[0]], line, failure };
    }
  })();
  yield* rowBatches(fields, rows);
}

function hasLabels(passages: Iterable<Passage>): boolean {
  for (const { label } of passages) if (label !== undefined) return true;
  return false;
}

function labelFailure(label: string | undefined, known: readonly string[], classes: ReadonlySet<string>) {
  if (label === undefined) return "no class before a tab, where other lines have one";
  if (classes.has(label)) return undefined;
  return `class "${label}" is none of the vocabulary's\nits classes: ${known.slice(0, 10).join(", ")}`;
}

function survey(spec: TextSpec, passages: Iterable<Passage>) {
  const labels = new LabelSet();
  const counts = new Map<string, number>();
  const keep = allocCounter((tokens) => `a vocabulary of ${tokens} tokens or more`, spec.path);
  for (const { text, label } of passages) {
    if (label !== undefined) labels.add(label);
    if (spec.hash) continue;
    for (const token of tokensOf(text)) {
      const count = counts.get(token);
      if (count === undefined) keep(TOKEN_BYTES + 2 * token.length);
      counts.set(token, 1 + (count ?? 0));
    }
  }
  return { labels, counts };
}

/** About what a token's count takes in memory beyond its characters. */
const TOKEN_BYTES = 100;

function* tokensOf(text: string): Generator<string> {
  for (const [token] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu)) yield token;
}

/** The most frequent tokens from 2 on, equally frequent ones in the order of their code units. */
function frequent(tokens: number, counts: ReadonlyMap<string, number>): (token: string) => number {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, Math.max(0, tokens - 2));
  const numbers = new Map(sorted.map(([token], i) => [token, i + 2]));
  return (token) => numbers.get(token) ?? 1;
}

/** FNV-1a of the token's UTF-8 bytes, in [1, tokens). */
function hashed(tokens: number): (token: string) => number {
  return (token) => {
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(token)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return 1 + (hash % (tokens - 1));
  };
}

function* linePassages(path: string): Generator<Passage> {
  let number = 0;
  for (const { line } of linesIn(path)) {
    number++;
    if (line.trim() === "") continue;
    const tab = line.indexOf("\t");
    if (tab < 0) yield { text: line, line: number, label: undefined };
    else yield { text: line.slice(tab + 1), line: number, label: line.slice(0, tab) };
  }
}

interface ClassFile {
  readonly path: string;
  readonly label: string;
}

function* filePassages(files: readonly ClassFile[]): Generator<Passage> {
  for (const [line, { path, label }] of files.entries()) yield { text: readText(path), line, label };
}

function classFiles(path: string): ClassFile[] {
  const files: ClassFile[] = [];
  for (const folder of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (folder.isDirectory())
      for (const name of readdirSync(join(path, folder.name)).sort())
        if (/\.txt$/i.test(name)) files.push({ path: join(path, folder.name, name), label: basename(folder.name) });
  if (files.length === 0) throw new NetrunError("no folders with .txt files in it", { file: path });
  return files;
}
