import { readdirSync } from "node:fs";
import { join } from "node:path";
import { NetrunError } from "../../../error.js";

/** Names of what can be decoded. */
const IMAGE = /\.(jpe?g|png|bmp|webp|gif|tiff?|avif)$/i;

/** The images of a folder with a folder for each class, by class and name. */
export interface ImageFolder {
  readonly classes: readonly string[];
  readonly files: readonly { readonly path: string; readonly label: number }[];
}

/** Tests whether a folder has folders with images in them. */
export function isImageFolder(path: string): boolean {
  return readdirSync(path, { withFileTypes: true }).some(
    (entry) => entry.isDirectory() && readdirSync(join(path, entry.name)).some((name) => IMAGE.test(name)),
  );
}

/** Lists a folder's images; throws a NetrunError where there are none. */
export function readImageFolder(path: string): ImageFolder {
  const classes: string[] = [];
  const files: { path: string; label: number }[] = [];
  const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  // By code unit and not by locale, so that labels are the same everywhere.
  for (const name of folders.map((entry) => entry.name).sort()) {
    const images = readdirSync(join(path, name), { recursive: true, encoding: "utf8" }).filter((file) =>
      IMAGE.test(file),
    );
    if (images.length === 0) continue;
    for (const image of images.sort()) files.push({ path: join(path, name, image), label: classes.length });
    classes.push(name);
  }
  if (files.length === 0) throw new NetrunError("no folders with images in it", { file: path });
  return { classes, files };
}
