/** Error in a file of a database, without its name. */
export class Corruption extends Error {}

/** Reads LevelDB's encodings from bytes one after another; throws a Corruption where they end too early. */
export class ByteReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** A variable-length integer, exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new Corruption("a number is cut off or too large");
  }

  fixed32(): number {
    return this.take(4).readUInt32LE(0);
  }

  fixed64(): number {
    return Number(this.take(8).readBigUInt64LE(0));
  }

  /** So many bytes, not copied. */
  take(length: number): Buffer {
    if (!(this.at + length <= this.bytes.length)) throw new Corruption("a value is cut off");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** Bytes after their length. */
  prefixed(): Buffer {
    return this.take(this.varint());
  }
}
