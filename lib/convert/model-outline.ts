import { closeSync, fstatSync, openSync } from "node:fs";
import { basename } from "node:path";
import protobuf from "protobufjs/light.js";
import { requireFile, wholeFileLimit } from "../caffe/files.js";
import { bytesAt, type FieldPlace, fieldPlaces, together } from "../caffe/large.js";
import { NetrunError } from "../error.js";
import { type RawTensorProto, TensorProto } from "../onnx/schema.js";

/** Numbers of the fields that are looked into, and of those that say where a tensor's elements are. */
const FIELD = { graph: 7, initializer: 5, dataLocation: 14, externalData: 13 } as const;

/** Types whose elements a field of TensorProto has as they are in memory: float_data (packed), raw_data and double_data (packed). */
const TYPES_BY_FIELD: Readonly<Record<number, readonly number[]>> = { 4: [1], 9: [1, 10, 11], 10: [11] };

/** From this many bytes on elements stay in the file. */
const LARGE = 4096;

/**
 * The bytes of an ONNX model's file with large elements of initializers left where they are: each such tensor says, as ONNX has it for
 * elements in another file, where they are in this one. Undefined for a file that is no such message, or is not whole: its reader says why.
 * Throws NetrunError for a path that is no file.
 */
export function outlineOf(path: string): Uint8Array | undefined {
  const file = requireFile(path);
  const handle = openSync(file, "r");
  try {
    const whole = { contents: 0, end: fstatSync(handle).size };
    const pieces: Uint8Array[] = [];
    let rest = wholeFileLimit();
    const copy = ({ at, end }: FieldPlace): Uint8Array => {
      rest -= end - at;
      if (rest < 0) throw new NetrunError("has more than weights", { file });
      return bytesAt(handle, end - at, at);
    };
    for (const field of fieldPlaces(handle, whole, file))
      pieces.push(is(field, FIELD.graph) ? message(field, graph(field)) : copy(field));
    return together(pieces);

    function graph(place: FieldPlace): Uint8Array {
      return together(
        [...fieldPlaces(handle, place, file)].map((field) =>
          is(field, FIELD.initializer) ? message(field, tensor(field)) : copy(field),
        ),
      );
    }

    function tensor(place: FieldPlace): Uint8Array {
      const fields = [...fieldPlaces(handle, place, file)];
      const elements = fields.filter(({ id }) => id in TYPES_BY_FIELD);
      // Lists in several pieces, and single values, are joined by the reader of the message.
      const [only] = elements.length === 1 ? elements : [];
      if (only?.wire !== 2 || sizeOf(only) < LARGE) return together(fields.map(copy));
      const others = together(fields.filter((field) => field !== only).map(copy));
      const { data_type: type } = TensorProto.decode(others) as unknown as RawTensorProto;
      if (!TYPES_BY_FIELD[only.id]!.includes(type)) return together([others, copy(only)]);
      return together([others, reference(basename(file), only)]);
    }
  } catch {
    return undefined;
  } finally {
    closeSync(handle);
  }
}

const is = ({ id, wire }: FieldPlace, wanted: number) => id === wanted && wire === 2;

const sizeOf = ({ contents, end }: FieldPlace) => end - contents;

/** A field with a message as its contents. */
const message = ({ id }: FieldPlace, contents: Uint8Array): Uint8Array =>
  protobuf.Writer.create()
    .uint32((id << 3) | 2)
    .bytes(contents)
    .finish();

/** The fields of a tensor that say where its elements are. After those that it has itself, of which the first counts. */
function reference(location: string, place: FieldPlace): Uint8Array {
  const writer = protobuf.Writer.create();
  const entries = { location, offset: `${place.contents}`, length: `${sizeOf(place)}` };
  for (const [key, value] of Object.entries(entries))
    writer
      .uint32((FIELD.externalData << 3) | 2)
      .fork()
      .uint32(10)
      .string(key)
      .uint32(18)
      .string(value)
      .ldelim();
  return writer
    .uint32(FIELD.dataLocation << 3)
    .int32(1)
    .finish();
}
