import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { checkAlloc } from "../../budget.js";

/** The bytes of an image file. Rejects with an Error for a missing file, for one that is too large, and for what is no file: pipes and devices may have no end. */
export async function readImageFile(path: string): Promise<Uint8Array> {
  // Without waiting for somebody to write into a pipe.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is no file`);
    checkAlloc(stat.size, "its bytes", path);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
