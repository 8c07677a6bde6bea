import { type Data, DataType, type RecordBatch } from "apache-arrow";

// apache-arrow takes lengths and offsets for what the metadata says, and reads behind the end of a buffer as nothing.

/** Tests whether the buffers of a record batch have all the rows that it promises, and offsets lead into what they are offsets of. */
export function isWhole(batch: RecordBatch): boolean {
  const { children } = batch.data;
  return children.every((child) => child.length === batch.numRows && isDataWhole(child));
}

function isDataWhole(data: Data): boolean {
  const { type, length, values } = data;
  const has = (entries: number): boolean => (values?.length ?? 0) >= entries;
  const inner = data.children[0];
  if (data.nullCount > 0 && data.nullBitmap && data.nullBitmap.length * 8 < data.offset + length) return false;
  if (DataType.isNull(type)) return true;
  if (DataType.isBool(type)) return has((data.offset + length) / 8);
  if (DataType.isFixedSizeBinary(type)) return has(length * type.byteWidth);
  if (DataType.isFixedSizeList(type)) return !!inner && inner.length >= length * type.listSize && isDataWhole(inner);
  if (DataType.isList(type) || DataType.isLargeList(type))
    return !!inner && hasOffsets(data, inner.length) && isDataWhole(inner);
  if (isText(type)) return hasOffsets(data, values?.length ?? 0);
  if (DataType.isDictionary(type)) return has(length) && !!data.dictionary?.data.every(isDataWhole);
  if (DataType.isInt(type) || DataType.isFloat(type)) return has(length);
  // Of other types nothing is read.
  return true;
}

const isText = (type: DataType): boolean =>
  DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isBinary(type) || DataType.isLargeBinary(type);

/** Tests whether there is an offset for each entry and one more, each at least the one before and none above `end`. */
function hasOffsets({ valueOffsets, length }: Data, end: number): boolean {
  const offsets = valueOffsets as unknown as ArrayLike<number | bigint> | undefined;
  if (length === 0) return true;
  if (!offsets || offsets.length < length + 1 || offsets[0]! < 0 || offsets[length]! > end) return false;
  for (let i = 0; i < length; i++) if (offsets[i + 1]! < offsets[i]!) return false;
  return true;
}
