import { prng } from "../prng.js";
import { mutateStructure } from "./structure.js";

/** A field of a message without its schema: a number, or bytes that may be a message. */
interface Field {
  readonly id: number;
  readonly wire: number;
  readonly value: bigint | Buffer;
}

const NUMBERS = [
  0n,
  1n,
  2n,
  127n,
  255n,
  65_535n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 63n - 1n,
  2n ** 64n - 1n,
];
const LEVELS = 2000;

/** Damages a binary message field by field, lengths around it corrected, so that its reader comes to the damage. Deterministic by seed. */
export function mutateProtobuf(bytes: Uint8Array, seed: number): Uint8Array {
  const random = prng(seed);
  const below = (n: number) => Math.floor(random() * n);
  return damaged(Buffer.from(bytes));

  function damaged(message: Buffer): Buffer {
    const fields = fieldsOf(message);
    if (!fields || fields.length === 0) return Buffer.from(mutateStructure(message, seed));
    const at = below(fields.length);
    const { id, wire, value } = fields[at]!;
    const put = (...others: readonly Field[]) => bytesOf([...fields.slice(0, at), ...others, ...fields.slice(at + 1)]);
    const isBytes = typeof value !== "bigint";
    if (isBytes && below(3) > 0 && fieldsOf(value)?.length) return put({ id, wire, value: damaged(value) });
    switch (below(7)) {
      case 0:
        return put();
      case 1:
        return put(...Array.from({ length: 1 + below(below(2) ? 3 : 1000) }, () => fields[at]!));
      case 2:
        return put(fields[below(fields.length)]!);
      case 3:
        return put({ id, wire: 0, value: NUMBERS[below(NUMBERS.length)]! });
      case 4:
        return put({ id: below(2) ? id : 1 + below(200), wire: 2, value: isBytes ? value : Buffer.alloc(below(9)) });
      case 5:
        if (isBytes && below(20) === 0) return put({ id, wire: 2, value: nested(value, id) });
        return isBytes ? put({ id, wire, value: Buffer.from(mutateStructure(value, seed)) }) : put();
      default:
        return put({ id, wire: 5, value: Buffer.alloc(4, below(256)) });
    }
  }

  /** A message in itself again and again. */
  function nested(inner: Buffer, id: number): Buffer {
    let value = inner;
    for (let level = 0; level < LEVELS; level++) value = bytesOf([{ id, wire: 2, value }]);
    return value;
  }
}

/** The fields of a message; undefined where bytes are none. */
function fieldsOf(bytes: Buffer): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; at < bytes.length && shift < 70n; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === undefined || tag < 8n || tag > 0xffffffffn) return undefined;
    const [id, wire] = [Number(tag >> 3n), Number(tag & 7n)];
    const length = wire === 2 ? varint() : { 1: 8n, 5: 4n }[wire];
    const number = wire === 0 ? varint() : undefined;
    if (wire === 0 ? number === undefined : length === undefined || at + Number(length) > bytes.length)
      return undefined;
    const value = number ?? bytes.subarray(at, at + Number(length));
    if (typeof value !== "bigint") at += value.length;
    fields.push({ id, wire, value });
  }
  return fields;
}

function bytesOf(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ id, wire, value }) => {
      const tag = varint((BigInt(id) << 3n) | BigInt(wire));
      if (typeof value === "bigint") return [tag, varint(value)];
      return wire === 2 ? [tag, varint(BigInt(value.length)), value] : [tag, value];
    }),
  );
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
