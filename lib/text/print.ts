import protobuf from "protobufjs/light.js";
import { printDouble, printFloat, quote } from "./literal.js";
import { type UnknownField, unknownFields } from "./notes.js";

/**
 * A message in protobuf's text format: set fields in the schema's order, then those that the schema does not know and
 * `parseText` kept. Floats have the fewest digits that read back to the same float32. Reading it gives the same message.
 */
export function printText(message: object): string {
  const lines: string[] = [];
  printFields(message, "", lines);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function printFields(message: object, indent: string, lines: string[]): void {
  const { $type } = message as protobuf.Message;
  for (const field of $type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) continue;
    const value = (message as Record<string, unknown>)[field.name];
    if (value === null || value === undefined) continue;
    if (field.repeated) for (const element of value as Iterable<unknown>) printField(field, element, indent, lines);
    else printField(field, value, indent, lines);
  }
  printUnknown(unknownFields(message), indent, lines);
}

function printField(field: protobuf.Field, value: unknown, indent: string, lines: string[]): void {
  if (field.resolvedType instanceof protobuf.Type) {
    lines.push(`${indent}${field.name} {`);
    printFields(value as object, `${indent}  `, lines);
    lines.push(`${indent}}`);
  } else lines.push(`${indent}${field.name}: ${printScalar(field, value)}`);
}

function printScalar(field: protobuf.Field, value: unknown): string {
  if (field.resolvedType instanceof protobuf.Enum)
    return field.resolvedType.valuesById[value as number] ?? String(value);
  switch (field.type) {
    case "string":
    case "bytes":
      return quote(value as string | Uint8Array);
    case "float":
      return printFloat(value as number);
    case "double":
      return printDouble(value as number);
    case "int64":
      return printLong(value as number);
    default:
      return String(value);
  }
}

/** The largest int64 is no number: it was rounded up to 2^63 when it was read, which would be refused. */
function printLong(value: number): string {
  return String(value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value));
}

function printUnknown(fields: readonly UnknownField[], indent: string, lines: string[]): void {
  for (const field of fields) {
    // A field of a binary message that has a number alone is none that text can say.
    if (/(^|\.)\d+$/.test(field.name))
      lines.push(`${indent}# field ${field.name} of a binary file, which has no name here`);
    else if ("text" in field) lines.push(`${indent}${field.name}: ${field.text}`);
    else {
      lines.push(`${indent}${field.name} {`);
      printUnknown(field.fields, `${indent}  `, lines);
      lines.push(`${indent}}`);
    }
  }
}
