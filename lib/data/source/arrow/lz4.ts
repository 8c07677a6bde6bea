import { checkAlloc } from "../../../budget.js";

/** The first bytes of an LZ4 frame. */
const MAGIC = 0x184d2204;
/** A block with this bit in its size is stored as it is. */
const STORED = 0x80000000;

/**
 * Unpacks an LZ4 frame, as Arrow's compressed buffers are. Written by hand, since the maintained packages bring native code, or know
 * only single blocks: the blocks of a frame refer to what those before them gave. Throws an Error where the frame is damaged.
 * Source: the LZ4 frame and block formats, version 1.6.
 */
export function unpackLz4(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 7 || view.getUint32(0, true) !== MAGIC) throw new Error("not an LZ4 frame");
  const flags = frame[4]!;
  const [hasContentSize, hasBlockSums, hasDictionary] = [flags & 8, flags & 16, flags & 1];
  const largestBlock = 2 ** (8 + 2 * ((frame[5]! >> 4) & 7));
  const first = 7 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  const blocks = blocksOf(view, first, hasBlockSums ? 4 : 0);
  // A byte of a block makes at most 255, so that what a frame needs follows from what is there and not from what it declares.
  const most = blocks.reduce((sum, { size }) => sum + Math.min(largestBlock, 255 * size), 0);
  checkAlloc(most, "a compressed buffer");
  const output = new Uint8Array(most);
  let end = 0;
  for (const { start, size, isStored } of blocks) {
    const block = frame.subarray(start, start + size);
    if (isStored) output.set(block, end);
    end = isStored ? end + size : unpackBlock(block, output, end);
  }
  return output.subarray(0, end);
}

function blocksOf(view: DataView, first: number, sumBytes: number) {
  const blocks: { readonly start: number; readonly size: number; readonly isStored: boolean }[] = [];
  for (let at = first; at + 4 <= view.byteLength; ) {
    const word = view.getUint32(at, true);
    if (word === 0) return blocks;
    const [start, size] = [at + 4, word % STORED];
    if (start + size > view.byteLength) break;
    blocks.push({ start, size, isStored: word >= STORED });
    at = start + size + sumBytes;
  }
  throw new Error("the LZ4 frame is cut off");
}

/** Unpacks one block behind what is there already; gives where it ends. */
function unpackBlock(block: Uint8Array, output: Uint8Array, start: number): number {
  let [at, to] = [0, start];
  const length = (nibble: number): number => {
    let [sum, byte] = [nibble, nibble === 15 ? 255 : 0];
    while (byte === 255) {
      byte = block[at++] ?? 0;
      sum += byte;
    }
    return sum;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = length(token >> 4);
    if (at + literals > block.length || to + literals > output.length) throw new Error("a damaged LZ4 block");
    output.set(block.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    // The last sequence has literals alone.
    if (at === block.length) break;
    const back = block[at]! | ((block[at + 1] ?? 0) << 8);
    at += 2;
    const end = to + length(token & 15) + 4;
    if (back === 0 || back > to || end > output.length) throw new Error("a damaged LZ4 block");
    for (; to < end; to++) output[to] = output[to - back]!;
  }
  return to;
}
