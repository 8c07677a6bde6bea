import protobuf from "protobufjs/light.js";
import { NetrunError } from "../error.js";
import { carryNotes } from "../text/notes.js";
import type { Init, Messages } from "./messages.js";
import { type MessageName, reflect } from "./schema.js";

/** Any message of caffe.proto. */
export type Message = Messages[MessageName];

type Fields = Record<string, unknown>;

/**
 * A message of a type, from any part of it: `create("NetState", { phase: Phase.TEST })`. Nested messages may be plain objects
 * or messages, which are kept as they are. Null and undefined fields stay absent; absent fields read as their proto2 default.
 * Floats are rounded to float32, as on the wire. Throws TypeError for a field that the type does not have.
 */
export function create<K extends MessageName>(name: K, init: Init<Messages[K]> = {} as Init<Messages[K]>): Messages[K] {
  return build(reflect(name), init) as Messages[K];
}

function build(type: protobuf.Type, init: object): object {
  const message = type.create() as unknown as Fields;
  for (const [name, value] of Object.entries(init)) {
    if (value === null || value === undefined) continue;
    const field = type.fields[name];
    if (!field) throw new TypeError(`${type.name} has no field ${name}`);
    message[name] = field.repeated ? buildList(field, message[name], value) : buildValue(field, value);
  }
  return message;
}

function buildList(field: protobuf.Field, empty: unknown, values: ArrayLike<unknown>): unknown {
  if (empty instanceof Float32Array)
    return values instanceof Float32Array ? values : Float32Array.from(values as number[]);
  if (empty instanceof Float64Array)
    return values instanceof Float64Array ? values : Float64Array.from(values as number[]);
  return Array.from(values, (value) => buildValue(field, value));
}

function buildValue(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return value instanceof type.ctor ? value : build(type, value as object);
  return field.type === "float" ? Math.fround(value as number) : value;
}

/**
 * A copy of a message in which the fields of `change` are set, or removed where they are null. Nested messages and lists are shared.
 * The other fields keep their places in the text that they came from.
 */
export function amend<M extends Message>(message: M, change: Init<M>): M {
  const { $unknowns } = message as { readonly $unknowns?: readonly Uint8Array[] };
  const copy = build(reflect(typeOf(message)), change) as Fields;
  for (const [name, value] of Object.entries(message))
    if (value !== null && value !== undefined && !Object.hasOwn(change, name)) copy[name] = value;
  if ($unknowns) Object.defineProperty(copy, "$unknowns", { value: $unknowns, enumerable: false });
  carryNotes(message, copy, Object.fromEntries(Object.keys(change).map((name) => [name, null])));
  return copy as M;
}

/** Reads a binary message. Throws NetrunError naming the file (if given), the type and the offset where it fails. */
export function decode<K extends MessageName>(name: K, bytes: Uint8Array, file?: string): Messages[K] {
  // A plain view even of a Buffer, so that bytes fields are Uint8Array views of the file.
  const reader = new protobuf.Reader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  reader.discardUnknown = false;
  try {
    return reflect(name).decode(reader) as unknown as Messages[K];
  } catch (cause) {
    throw damaged(name, reader, cause, file);
  }
}

/** Message for a binary message that cannot be read: cut off, or not that message at all. */
export function damaged(name: string, reader: protobuf.Reader, cause: unknown, file?: string): NetrunError {
  if (cause instanceof NetrunError) return new NetrunError(cause.message, { file, notes: cause.notes, cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NetrunError(`not a complete binary ${name}: reading fails at byte ${reader.pos} of ${reader.buf.length}`, {
    file,
    notes: [reason, "the file is damaged, cut off (an interrupted download?) or of another kind"],
    cause,
  });
}

/** The binary form of a message, fields in order of number, as Caffe's own writer does. */
export function encode(message: Message): Uint8Array {
  return reflect(typeOf(message)).encode(message).finish();
}

/** The name of a message's type. */
export function typeOf(message: Message): MessageName {
  const type = (message as { $type?: protobuf.Type }).$type;
  if (!type) throw new TypeError("not a message: make it with create()");
  return type.name as MessageName;
}

/** Tests whether a field is set (proto2 presence); a list is when it has elements. */
export function has<M extends Message>(message: M, field: keyof M & string): boolean {
  if (!Object.hasOwn(message, field)) return false;
  const value = message[field];
  return Array.isArray(value) || ArrayBuffer.isView(value) ? (value as ArrayLike<unknown>).length > 0 : value !== null;
}

type SubField<M> = { [F in keyof M]: null extends M[F] ? F : never }[keyof M] & string;

const defaults = new Map<protobuf.Type, object>();

/** A nested message, or where it is absent one in which every field has its default, as Caffe's getters give. */
export function sub<M extends Message, F extends SubField<M>>(message: M, field: F): NonNullable<M[F]> {
  const value = message[field];
  if (value) return value as NonNullable<M[F]>;
  const type = reflect(typeOf(message)).fields[field]?.resolvedType as protobuf.Type;
  let instance = defaults.get(type);
  if (!instance) {
    instance = Object.freeze(type.create());
    defaults.set(type, instance);
  }
  return instance as NonNullable<M[F]>;
}
