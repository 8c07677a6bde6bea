import { maskedCrc32c } from "../../data/source/leveldb/crc32c.js";
import { encodeMessage } from "./messages.js";

/** A message in TensorFlow's record format: its length and the bytes, each with its masked CRC-32C after it. */
export function recordOf(message: Uint8Array): Uint8Array {
  const record = Buffer.alloc(12 + message.length + 4);
  record.writeBigUInt64LE(BigInt(message.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(message, 12);
  record.writeUInt32LE(maskedCrc32c(message), 12 + message.length);
  return record;
}

/** The record of an event of a summary, a graph or the file's version. */
export const eventRecord = (fields: object, step: number): Uint8Array =>
  recordOf(encodeMessage("Event", { wall_time: Date.now() / 1000, step, ...fields }));
