/** A Datum of raw bytes: shape, label and where its pixels are in the message. */
export interface RawDatum {
  channels: number;
  height: number;
  width: number;
  label: number;
  start: number;
  end: number;
}

/** Tags of the fields, number * 8 + wire type. */
const TAG = { channels: 8, height: 16, width: 24, data: 34, label: 40, encoded: 56 } as const;

/**
 * Reads a Datum message of raw bytes into `into`; false for any other Datum, and for a damaged one. Written by hand since it is
 * what most databases hold, a million times over, and the general decoder takes ten times as long for a small image.
 */
export function scanRawDatum(message: Uint8Array, into: RawDatum): boolean {
  into.channels = into.height = into.width = into.label = into.start = into.end = 0;
  const { length } = message;
  let at = 0;
  while (at < length) {
    const tag = message[at++]!;
    let value = 0;
    let shift = 0;
    let byte = 0x80;
    // Five bytes hold what fits 32 bits; longer ones are negative or too large for a shape.
    while (byte >= 0x80) {
      if (shift > 28 || at >= length) return false;
      byte = message[at++]!;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    }
    if (value < 0) return false;
    switch (tag) {
      case TAG.channels:
        into.channels = value;
        break;
      case TAG.height:
        into.height = value;
        break;
      case TAG.width:
        into.width = value;
        break;
      case TAG.label:
        into.label = value;
        break;
      case TAG.data:
        into.start = at;
        at += value;
        into.end = at;
        break;
      case TAG.encoded:
        if (value !== 0) return false;
        break;
      default:
        return false;
    }
  }
  const bytes = into.end - into.start;
  return at === length && bytes > 0 && bytes === into.channels * into.height * into.width;
}
