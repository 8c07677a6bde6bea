import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** The bytes of an image file. Rejects with an Error for none, and for what is no file: pipes and devices may have no end. */
export async function readImageFile(path: string): Promise<Uint8Array> {
  // Without waiting for somebody to write into a pipe.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
