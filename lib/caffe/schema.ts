import protobuf from "protobufjs/light.js";
import { checkAlloc, maxAlloc } from "../budget.js";
import { loadProto } from "../proto.js";
import { decodeBlob, emptyLists, encodeBlob } from "./blob-codec.js";
import type { Messages } from "./messages.js";

/** The name of a message type of caffe.proto. */
export type MessageName = keyof Messages;

/**
 * The reflected schema of caffe.proto. Field names are as in prototxts, int64 is a number, float defaults are float32 values
 * (as explicit floats are once read), and BlobProto has its own codec.
 */
export const schema: protobuf.Root = loadSchema();

const types = new Map<MessageName, protobuf.Type>();

/** The reflected type of a message by name. */
export function reflect(name: MessageName): protobuf.Type {
  // Looking up a name costs more than decoding a small message.
  let type = types.get(name);
  if (!type) {
    type = schema.lookupType(`caffe.${name}`);
    types.set(name, type);
  }
  return type;
}

/** Constructors and codecs are made when a type is first used: making all of them takes longer than most commands. */
function loadSchema(): protobuf.Root {
  const root = loadProto("caffe");
  addLaterParams(root.lookupType("caffe.V1LayerParameter"), root.lookupType("caffe.LayerParameter"));
  for (const type of typesIn(root)) {
    for (const field of type.fieldsArray) fixDefault(field);
    useNumbers(type);
  }
  useBlobCodec(root.lookupType("caffe.BlobProto"), root.lookupType("caffe.BlobShape"));
  for (const type of typesIn(root)) countMessages(type);
  return root;
}

/** Forks of the time of V1 layers have parameters in them that only today's layers have here; in texts, under free numbers. */
function addLaterParams(v1: protobuf.Type, today: protobuf.Type): void {
  const textOnly = 100_000;
  for (const { name, id, type } of today.fieldsArray) {
    if (!name.endsWith("_param") || name in v1.fields) continue;
    const field = new protobuf.Field(name, textOnly + id, type, "optional");
    v1.add(field);
    field.resolve();
  }
}

/** All message types in a namespace. */
export function* typesIn(namespace: protobuf.NamespaceBase): Generator<protobuf.Type> {
  for (const nested of namespace.nestedArray) {
    if (nested instanceof protobuf.Type) yield nested;
    if (nested instanceof protobuf.Namespace) yield* typesIn(nested);
  }
}

/** Decoding as nested messages call it: up to `length` bytes, in a group up to `groupTag`, into `merged` if there is one. */
type NestedDecode = (
  reader: protobuf.Reader,
  length?: number,
  groupTag?: number,
  depth?: number,
  merged?: object,
) => object;

function useBlobCodec(type: protobuf.Type, shape: protobuf.Type): void {
  type.ctor = function BlobProto(this: object, init?: object) {
    Object.assign(this, emptyLists(), init);
  } as unknown as protobuf.Constructor<object>;
  const decode: NestedDecode = (reader, length = reader.len - reader.pos, _group, _depth, merged) => {
    const end = reader.pos + length;
    if (end > reader.len) throw RangeError(`index out of range: ${reader.pos} + ${length} > ${reader.len}`);
    const blob = merged ?? type.create();
    const { len } = reader;
    reader.len = end;
    decodeBlob(reader, end, blob as Parameters<typeof decodeBlob>[2], shape);
    reader.len = len;
    return blob;
  };
  const encode: typeof type.encode = (message, writer = protobuf.Writer.create()) =>
    encodeBlob(message as Parameters<typeof encodeBlob>[0], writer, shape);
  type.setup = () => Object.assign(type, { decode, encode });
}

/** int64 as numbers: 2^53 is enough for shapes and seeds. A global switch in protobufjs would change other users of it. */
function useNumbers(type: protobuf.Type): void {
  const longs = type.fieldsArray.filter((field) => field.long);
  if (longs.length === 0) return;
  const { setup } = type;
  type.setup = () => {
    setup.call(type);
    const generated = type.decode.bind(type) as NestedDecode;
    const decode: NestedDecode = (...args) => {
      const message = generated(...args) as Record<string, unknown>;
      for (const { name, repeated } of longs) {
        if (!Object.hasOwn(message, name)) continue;
        message[name] = repeated ? (message[name] as unknown[]).map(Number) : Number(message[name]);
      }
      return message;
    };
    type.decode = decode as typeof type.decode;
    return type;
  };
}

/** About what a message takes in memory with what is known of it; in a file an empty one has two bytes. */
const MESSAGE_BYTES = 4096;

/** Messages that a file may have: nets of ten thousand layers have a hundred thousand. --max-alloc raises it. */
export const mostMessages = (): number => Math.floor(maxAlloc() / MESSAGE_BYTES);

/** Interval at which the limit, which is in the environment, is looked up. */
const LOOK_EVERY = 1024;

/** Has the messages of a type count as they are read. Throws NetrunError then where a file has more than may be in memory. */
export function countMessages(type: protobuf.Type): void {
  const { setup } = type;
  type.setup = () => {
    setup.call(type);
    const decode = type.decode.bind(type) as NestedDecode;
    const counted: NestedDecode = (reader: protobuf.Reader & { messages?: number }, ...rest) => {
      const messages = (reader.messages ?? 0) + 1;
      reader.messages = messages;
      if (messages % LOOK_EVERY === 0) checkAlloc(MESSAGE_BYTES * messages, `${messages} messages or more`);
      return decode(reader, ...rest);
    };
    type.decode = counted as typeof type.decode;
    return type;
  };
}

/** A field's default as constructors take it for absent fields. */
function fixDefault(field: protobuf.Field): void {
  if (field.repeated) return;
  if (field.type === "float") field.defaultValue = Math.fround(Number(field.defaultValue));
  if (field.long) field.defaultValue = Number(field.defaultValue);
  if (field.type === "bytes") field.defaultValue = new Uint8Array(0);
}
