import { writeFileSync } from "node:fs";
import { NetrunError } from "../error.js";
import { replaceFile, writeWhole } from "../file.js";

/** The format of a picture by the end of its name. Throws NetrunError for another one. */
export function pictureFormat<F extends string = "svg" | "png">(
  path: string,
  formats: readonly F[] = ["svg", "png"] as unknown as readonly F[],
): F {
  const found = formats.find((format) => path.endsWith(`.${format}`));
  if (found !== undefined) return found;
  const names = formats.map((format) => `.${format}`);
  throw new NetrunError(`-o ${path}: the name must end in ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`);
}

/** Writes a picture, as text or bytes. Throws NetrunError. */
export async function writePicture(path: string, picture: string | Uint8Array): Promise<void> {
  if (typeof picture === "string") return writeWhole(path, picture);
  await replaceFile(path, (file) => writeFileSync(file, picture));
}
