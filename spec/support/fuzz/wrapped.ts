import { crc32, deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { maskedCrc32c } from "../../../lib/data/source/leveldb/crc32c.js";
import { prng } from "../prng.js";
import type { Damage } from "./reader.js";

// Damage behind a checksum or a compression: without these corrected, readers would see nothing else.

/** Damages what a gzip file holds. */
export const insideGzip =
  (damage: Damage): Damage =>
  (bytes, seed) =>
    gzipSync(damage(gunzipSync(bytes), seed), { level: 1 });

/** Damages the content of a chunk of a PNG, with its length and checksum corrected; of pixels what they unpack to. */
export const insidePng =
  (damage: Damage): Damage =>
  (bytes, seed) => {
    const file = Buffer.from(bytes);
    const chunks: { type: string; data: Uint8Array }[] = [];
    for (let at = 8; at + 12 <= file.length; at += 12 + file.readUInt32BE(at))
      chunks.push({
        type: file.toString("latin1", at + 4, at + 8),
        data: file.subarray(at + 8, at + 8 + file.readUInt32BE(at)),
      });
    const random = prng(seed);
    const chosen = chunks[Math.floor(random() * chunks.length)]!;
    const isPixels = chosen.type === "IDAT" && random() < 0.5;
    chosen.data = isPixels ? deflateSync(damage(inflateSync(chosen.data), seed)) : damage(chosen.data, seed);
    if (random() < 0.2) chunks.splice(Math.floor(random() * chunks.length), 0, chosen);
    return Buffer.concat([file.subarray(0, 8), ...chunks.map(pngChunk)]);
  };

function pngChunk({ type, data }: { readonly type: string; readonly data: Uint8Array }): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), 4 + body.length);
  return chunk;
}

const LOG_HEADER = 7;

/** Damages a record of a LevelDB log or manifest within the first block, its length and checksum corrected. */
export const insideLog =
  (damage: Damage): Damage =>
  (bytes, seed) => {
    const file = Buffer.from(bytes);
    const starts: number[] = [];
    for (let at = 0; at + LOG_HEADER <= Math.min(file.length, 30_000); at += LOG_HEADER + file.readUInt16LE(at + 4))
      starts.push(at);
    const at = starts[Math.floor(prng(seed)() * starts.length)]!;
    const end = at + LOG_HEADER + file.readUInt16LE(at + 4);
    const content = damage(file.subarray(at + LOG_HEADER, end), seed).subarray(0, 0x7000);
    const record = Buffer.alloc(LOG_HEADER + content.length);
    record.set(content, LOG_HEADER);
    record[6] = file[at + 6]!;
    record.writeUInt16LE(content.length, 4);
    record.writeUInt32LE(maskedCrc32c(record.subarray(6)), 0);
    return Buffer.concat([file.subarray(0, at), record, file.subarray(end)]);
  };

const TABLE_FOOTER = 48;

/** Damages the blocks of a LevelDB table whose places `blocks` says, their checksums corrected; lengths stay. */
export const insideTable =
  (damage: Damage): Damage =>
  (bytes, seed) => {
    const file = Buffer.from(bytes);
    const blocks = tableBlocks(file);
    const { offset, size } = blocks[Math.floor(prng(seed)() * blocks.length)]!;
    // The type of a block is under its checksum too.
    const content = Buffer.from(damage(file.subarray(offset, offset + size + 1), seed)).subarray(0, size + 1);
    file.set(content, offset);
    file.writeUInt32LE(maskedCrc32c(file.subarray(offset, offset + size + 1)), offset + size + 1);
    return file;
  };

/** The last blocks of a table, that of the index among them, and the first, which starts the file. */
function tableBlocks(file: Buffer): { readonly offset: number; readonly size: number }[] {
  let at = file.length - TABLE_FOOTER;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = file[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const [meta, metaSize, index, indexSize] = [varint(), varint(), varint(), varint()];
  return [
    { offset: 0, size: meta - 5 },
    { offset: meta, size: metaSize },
    { offset: index, size: indexSize },
  ];
}
