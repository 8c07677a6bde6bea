import { NetrunError } from "../error.js";
import { replaceFile, writeWhole } from "../file.js";

/** Pixels of a PNG for one of the SVG. */
const DENSITY = 2;
const CSS_DPI = 72;

/** The format of a picture by the end of its name. Throws NetrunError for another one. */
export function pictureFormat<F extends string = "svg" | "png">(
  path: string,
  formats: readonly F[] = ["svg", "png"] as unknown as readonly F[],
): F {
  const found = formats.find((format) => path.endsWith(`.${format}`));
  if (found !== undefined) return found;
  const names = formats.map((format) => `.${format}`);
  throw new NetrunError(`-o ${path}: the name has to end in ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`);
}

/** Writes a picture, a PNG at twice its size with the fonts of this machine. Throws NetrunError. */
export async function writePicture(path: string, svg: string, format: "svg" | "png"): Promise<void> {
  if (format === "svg") return writeWhole(path, svg);
  const { default: sharp } = await import("sharp");
  const bytes = await sharp(Buffer.from(svg), { density: CSS_DPI * DENSITY })
    .png()
    .toBuffer();
  const { writeFileSync } = await import("node:fs");
  await replaceFile(path, (file) => writeFileSync(file, bytes));
}
