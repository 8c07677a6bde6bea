import { decompress } from "fzstd";
import { checkAlloc } from "../../../budget.js";

const MAGIC = 0xfd2fb528;

/** Bytes that a block makes at most. */
const BLOCK_BYTES = 2 ** 17;

const RAW = 0;
const RLE = 1;

/**
 * Unpacks a Zstandard frame, as Arrow's compressed buffers are. Throws a NetrunError where its window, its declared size or its
 * blocks take more than a file may ask for (three bytes may stand for a block of a megabyte), an Error where it is damaged.
 * Source: RFC 8878, section 3.1.1.
 */
export function unpackZstd(frame: Uint8Array): Uint8Array {
  checkAlloc(bytesOf(frame), "a compressed buffer");
  return decompress(frame).slice();
}

/** Bytes that the first frame needs: the greatest of window, declared size and what its blocks may make. */
function bytesOf(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 9 || view.getUint32(0, true) !== MAGIC) throw new Error("not a Zstandard frame");
  const flags = frame[4]!;
  const isSingle = (flags & 32) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6]!;
  let at = 5;
  const window = isSingle ? 0 : 2 ** (10 + (frame[at]! >> 3)) * (1 + (frame[at++]! & 7) / 8);
  at += [0, 1, 2, 4][flags & 3]!;
  let declared = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) declared = declared * 256 + (frame[at + i] ?? 0);
  at += sizeBytes;
  return Math.max(window, declared, blockBytes(frame, at));
}

function blockBytes(frame: Uint8Array, first: number): number {
  let sum = 0;
  for (let at = first, isLast = false; !isLast; ) {
    if (at + 3 > frame.length) throw new Error("the Zstandard frame is cut off");
    const word = frame[at]! | (frame[at + 1]! << 8) | (frame[at + 2]! << 16);
    const [type, size] = [(word >> 1) & 3, word >> 3];
    isLast = (word & 1) === 1;
    sum += type === RAW || type === RLE ? size : BLOCK_BYTES;
    at += 3 + (type === RLE ? 1 : size);
  }
  return sum;
}
