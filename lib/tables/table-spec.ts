import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { detectSource } from "../data/source/detect.js";
import { isArrowTable } from "../data/source/prepared/arrow-table.js";
import type { TableSpec } from "../data/source/prepared/table.js";
import { NetrunError } from "../error.js";

/** A table by its name, and the label that its name says behind the question mark. */
export interface NamedTable {
  readonly spec: TableSpec;
  readonly label: string | undefined;
}

/** Tests whether a name is that of a table's file: Arrow files hold arrays too. */
export function isTable(name: string): boolean {
  if (/\.([ct]sv(\.gz)?|parquet)(\?.*)?$/i.test(name)) return true;
  const path = name.replace(/\?.*$/s, "");
  return /\.(arrow|feather)$/i.test(path) && existsSync(path) && isArrowTable(path);
}

/** The table that a name means, and its label; its path is absolute. Throws NetrunError for data that is no table. */
export function namedTable(name: string): NamedTable {
  const [, path = name, query = ""] = /^(.*?)(?:\?(.*))?$/s.exec(name)!;
  const rest = new URLSearchParams(query);
  // A label of Parquet's and Arrow's is netrun's own option here, and not one of the source's.
  const label = rest.get("label") ?? undefined;
  rest.delete("label");
  const source = detectSource(rest.size === 0 ? path : `${path}?${rest}`);
  switch (source.kind) {
    case "csv": {
      const { delimiter, header } = source;
      const options = { ...(delimiter !== undefined && { delimiter }), ...(header !== undefined && { header }) };
      return { spec: { kind: "csv", path: resolve(source.path), ...options }, label };
    }
    case "parquet":
    case "arrow":
      return { spec: { kind: source.kind, path: resolve(source.path) }, label };
    default:
      throw new NetrunError("is no table", { file: path, notes: ["tables are CSV, TSV, Parquet and Arrow files"] });
  }
}
