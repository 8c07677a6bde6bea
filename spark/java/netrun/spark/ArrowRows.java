package netrun.spark;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BaseFixedWidthVector;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Writes rows as one Arrow IPC stream, in pieces: the schema first, then a record batch each. The bytes of all pieces together are the
 * stream, so that they may be cached, shuffled and sent one by one. Uses what Spark and arrow-vector make public, nothing internal.
 */
final class ArrowRows implements AutoCloseable {
  /** Rows of a record batch at most; fewer where rows are large. */
  static final int ROWS = 1024;
  static final long BYTES = 8L << 20;

  private final BufferAllocator allocator = new RootAllocator();
  private final VectorSchemaRoot root;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ArrowStreamWriter writer;

  ArrowRows(StructType type) {
    List<Field> fields = new ArrayList<>();
    for (StructField f : type.fields()) fields.add(field(f.name(), f.dataType()));
    root = VectorSchemaRoot.create(new Schema(fields), allocator);
    writer = new ArrowStreamWriter(root, null, Channels.newChannel(out));
  }

  /** The piece before all others, which has the columns' names and types. */
  byte[] schema() {
    try {
      writer.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return taken();
  }

  /** A record batch of the next rows, `most` at most and at least one. */
  byte[] batch(Iterator<Row> rows, long most, long bytes) {
    return batch(rows, most, bytes, 1);
  }

  /** A record batch of the next rows: a multiple of `unit`, unless they end. */
  byte[] batch(Iterator<Row> rows, long most, long bytes, int unit) {
    root.allocateNew();
    int n = 0;
    long size = 0;
    do {
      Row row = rows.next();
      for (int c = 0; c < row.length(); c++) size += set(root.getVector(c), n, row.isNullAt(c) ? null : row.get(c));
      n++;
    } while ((n < most && size < bytes || n % unit != 0) && rows.hasNext());
    for (FieldVector vector : root.getFieldVectors()) vector.setValueCount(n);
    root.setRowCount(n);
    try {
      writer.writeBatch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    written = n;
    return taken();
  }

  /** Rows in the last batch. */
  int written;

  private byte[] taken() {
    byte[] bytes = out.toByteArray();
    out.reset();
    return bytes;
  }

  @Override
  public void close() {
    root.close();
    allocator.close();
  }

  /** The schema of a type alone. */
  static byte[] schemaOf(StructType type) {
    try (ArrowRows arrow = new ArrowRows(type)) {
      return arrow.schema();
    }
  }

  /** Whether rows may have a column of a type. */
  static boolean takes(DataType type) {
    return arrowOf(type) != null || isImage(type) || (type instanceof ArrayType && isNumbers(type));
  }

  private static boolean isNumbers(DataType type) {
    if (type instanceof ArrayType) return isNumbers(((ArrayType) type).elementType());
    return arrowOf(type) != null && !(type instanceof StringType) && !(type instanceof BinaryType);
  }

  /** Whether a type is that of Spark's image source: a struct of pixels, in OpenCV's order. */
  static boolean isImage(DataType type) {
    if (!(type instanceof StructType)) return false;
    return String.join(" ", ((StructType) type).fieldNames()).equals("origin height width nChannels mode data");
  }

  private static ArrowType arrowOf(DataType type) {
    if (type instanceof FloatType) return new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);
    if (type instanceof DoubleType) return new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE);
    if (type instanceof ByteType) return new ArrowType.Int(8, true);
    if (type instanceof ShortType) return new ArrowType.Int(16, true);
    if (type instanceof IntegerType) return new ArrowType.Int(32, true);
    if (type instanceof LongType) return new ArrowType.Int(64, true);
    if (type instanceof BooleanType) return new ArrowType.Bool();
    if (type instanceof BinaryType) return new ArrowType.Binary();
    if (type instanceof StringType) return new ArrowType.Utf8();
    return null;
  }

  private static Field field(String name, DataType type) {
    if (type instanceof ArrayType)
      return new Field(name, FieldType.nullable(new ArrowType.List()), List.of(field("element", ((ArrayType) type).elementType())));
    ArrowType arrow = isImage(type) ? new ArrowType.Binary() : arrowOf(type);
    if (arrow == null) throw new IllegalArgumentException("column \"" + name + "\" is " + type.simpleString());
    return new Field(name, FieldType.nullable(arrow), null);
  }

  /** Writes a cell; gives about its bytes. */
  private static long set(FieldVector v, int i, Object x) {
    if (x == null) {
      if (v instanceof BaseFixedWidthVector) ((BaseFixedWidthVector) v).setNull(i);
      else if (v instanceof ListVector) ((ListVector) v).setNull(i);
      return 0;
    }
    if (v instanceof Float4Vector) ((Float4Vector) v).setSafe(i, (Float) x);
    else if (v instanceof Float8Vector) ((Float8Vector) v).setSafe(i, (Double) x);
    else if (v instanceof IntVector) ((IntVector) v).setSafe(i, (Integer) x);
    else if (v instanceof BigIntVector) ((BigIntVector) v).setSafe(i, (Long) x);
    else if (v instanceof SmallIntVector) ((SmallIntVector) v).setSafe(i, (Short) x);
    else if (v instanceof TinyIntVector) ((TinyIntVector) v).setSafe(i, (Byte) x);
    else if (v instanceof BitVector) ((BitVector) v).setSafe(i, (Boolean) x ? 1 : 0);
    else if (v instanceof VarBinaryVector) return setBytes((VarBinaryVector) v, i, x);
    else if (v instanceof VarCharVector) ((VarCharVector) v).setSafe(i, ((String) x).getBytes(StandardCharsets.UTF_8));
    else return setList((ListVector) v, i, x);
    return 8;
  }

  private static long setBytes(VarBinaryVector v, int i, Object x) {
    byte[] bytes = x instanceof Row ? Bmp.of((Row) x) : (byte[]) x;
    v.setSafe(i, bytes);
    return bytes.length;
  }

  private static long setList(ListVector list, int i, Object x) {
    int at = list.startNewValue(i);
    FieldVector data = list.getDataVector();
    long size = 0;
    int n = 0;
    // A Seq of Spark's wraps an array, of primitives where the column says that no element is missing.
    Object array = x instanceof scala.collection.mutable.ArraySeq ? ((scala.collection.mutable.ArraySeq<?>) x).array() : null;
    if (array instanceof float[] && data instanceof Float4Vector) {
      Float4Vector floats = (Float4Vector) data;
      for (float each : (float[]) array) floats.setSafe(at + n++, each);
      size = 4L * n;
    } else if (array instanceof double[] && data instanceof Float8Vector) {
      Float8Vector doubles = (Float8Vector) data;
      for (double each : (double[]) array) doubles.setSafe(at + n++, each);
      size = 8L * n;
    } else {
      scala.collection.Iterator<?> each = ((scala.collection.Iterable<?>) x).iterator();
      while (each.hasNext()) size += set(data, at + n++, each.next());
    }
    list.endValue(i, n);
    return size;
  }
}
