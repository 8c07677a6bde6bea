import { join } from "node:path";
import { findPath } from "../caffe/files.js";
import { amend, has, type Message, typeOf } from "../caffe/message.js";
import { reflect } from "../caffe/schema.js";

/** Fields of nets that name files or folders that are read. */
const PATHS: ReadonlySet<string> = new Set([
  ...["source", "mean_file", "meanfile", "root_folder", "label_map_file", "name_size_file", "video_file"],
  ...["file_name", "class_map", "softmax_tree"],
]);

/** A message whose paths from a folder are changed so that they are found from here; others stay as they are. */
export function withPathsFrom<M extends Message>(message: M, folder: string): M {
  const changes: Record<string, unknown> = {};
  for (const { name, type, resolvedType } of reflect(typeOf(message)).fieldsArray) {
    if (!has(message, name as never)) continue;
    const value = (message as unknown as Record<string, unknown>)[name];
    const isMessage = resolvedType !== null && "fields" in resolvedType;
    const change = (each: unknown) => {
      if (isMessage) return withPathsFrom(each as Message, folder);
      return type === "string" && PATHS.has(name) ? pathFrom(each as string, folder) : each;
    };
    const changed = Array.isArray(value) ? value.map(change) : change(value);
    const isSame = Array.isArray(value)
      ? value.every((each, i) => each === (changed as unknown[])[i])
      : value === changed;
    if (!isSame) changes[name] = changed;
  }
  return Object.keys(changes).length === 0 ? message : amend(message, changes as never);
}

/** A path, with options behind a question mark. One that ends in a slash is a prefix of others, and keeps it. */
function pathFrom(text: string, folder: string): string {
  const mark = text.lastIndexOf("?");
  const [path, query] = mark < 0 ? [text, ""] : [text.slice(0, mark), text.slice(mark)];
  if (path === "" || findPath(path) !== undefined || findPath(path, folder) === undefined) return text;
  return join(folder, path) + query;
}
