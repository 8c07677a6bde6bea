package netrun.spark;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/**
 * The rows of a DataFrame in an order of their own, cut into the contiguous parts that replicas read. The order is that of a hash of the
 * row and a seed, or that of columns: it does not depend on files, partitions or what came first, so that a part that is computed again
 * has the same bytes.
 */
final class RowData {
  /** Rows that say what the columns hold, and about their bytes at most. */
  private static final int SAMPLE = 1000;
  private static final long SAMPLE_BYTES = 32L << 20;
  /** A column with more different texts is no label: as netrun has it for files. */
  private static final int MOST_LABELS = 10_000;
  /** A key is a replica's number before the number of a piece's first row. */
  private static final int ROW_BITS = 40;

  /** All columns, as Spark has them. */
  final Dataset<Row> whole;
  private final Dataset<Row> frame;
  private final String[] order;
  private final long seed;
  private final Map<String, String> unusable = new LinkedHashMap<>();
  private JavaRDD<Row> sorted;
  private long[] starts;

  private RowData(Dataset<Row> given, String[] order, long seed) {
    List<Column> columns = new ArrayList<>();
    for (StructField field : given.schema().fields()) {
      Column column = usable(quoted(field.name()), field.dataType());
      if (column == null) unusable.put(field.name(), "it holds " + field.dataType().simpleString() + " of Spark");
      else columns.add(column.as(field.name()));
    }
    this.whole = given;
    this.order = order;
    this.seed = seed;
    this.frame = given.select(columns.toArray(new Column[0]));
  }

  /** Opens a DataFrame by its address; throws what Spark throws where there is none. */
  static RowData open(SparkSession spark, String text) {
    FrameSource source = new FrameSource(text);
    String order = source.take("order");
    String seed = source.take("shuffle");
    if (order != null && seed != null) throw new IllegalArgumentException(text + ": give order or shuffle, not both");
    Dataset<Row> frame = source.read(spark);
    String[] columns = order == null ? new String[0] : order.split(",");
    for (String column : columns)
      if (!Arrays.asList(frame.columns()).contains(column))
        throw new IllegalArgumentException(text + ": order: there is no column \"" + column + "\"; columns: " + String.join(", ", frame.columns()));
    return new RowData(frame, columns, seed == null || seed.isEmpty() ? 1 : Long.parseLong(seed));
  }

  /** A column in a type that Arrow rows have, or null. */
  static Column usable(Column column, DataType type) {
    if (type instanceof DecimalType) return column.cast(DataTypes.DoubleType);
    if (type instanceof ArrayType && ((ArrayType) type).elementType() instanceof DecimalType)
      return column.cast(DataTypes.createArrayType(DataTypes.DoubleType));
    if (type.typeName().equals("vector") || type.simpleString().equals("vector"))
      return org.apache.spark.ml.functions.vector_to_array(column, "float64");
    return ArrowRows.takes(type) ? column : null;
  }

  /** Columns that are no fields and why, the different texts of columns of texts where they are few, and the number of rows. */
  void describe(ObjectNode out) {
    ObjectNode reasons = out.putObject("unusable");
    unusable.forEach(reasons::put);
    ObjectNode texts = out.putObject("texts");
    for (StructField field : frame.schema().fields()) {
      if (!(field.dataType() instanceof StringType)) continue;
      List<Row> rows = frame.select(quoted(field.name())).distinct().limit(MOST_LABELS + 2).collectAsList();
      ArrayNode labels = texts.putArray(field.name());
      for (Row row : rows) if (!row.isNullAt(0)) labels.add(row.getString(0));
    }
    out.put("rows", sorted == null ? frame.count() : starts[starts.length - 1]);
  }

  /** A column by its name, whatever signs are in it. */
  static Column quoted(String name) {
    return functions.col("`" + name.replace("`", "``") + "`");
  }

  /** Some rows as an Arrow stream; which ones is Spark's choice. */
  byte[] sample() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Iterator<Row> rows = frame.limit(SAMPLE).toLocalIterator();
    try (ArrowRows arrow = new ArrowRows(frame.schema())) {
      out.writeBytes(arrow.schema());
      while (rows.hasNext() && out.size() < SAMPLE_BYTES) out.writeBytes(arrow.batch(rows, SAMPLE, SAMPLE_BYTES));
    }
    return out.toByteArray();
  }

  /** Orders the rows and counts them: what replicas need. */
  void sort() {
    if (sorted != null) return;
    List<Column> hashed = new ArrayList<>();
    for (String name : frame.columns()) {
      // A hash passes over what is missing.
      hashed.add(quoted(name).isNull());
      hashed.add(quoted(name));
    }
    List<Column> keys = new ArrayList<>();
    for (String name : order) keys.add(quoted(name));
    // Two hashes: one of 64 bits has collisions among a few billion rows.
    for (long salt = 0; salt < 2; salt++) {
      List<Column> all = new ArrayList<>(hashed);
      all.add(0, functions.lit(2 * seed + salt));
      keys.add(functions.xxhash64(all.toArray(new Column[0])));
    }
    sorted = frame.sort(keys.toArray(new Column[0])).toJavaRDD();
    List<Long> counts = sorted.mapPartitions(rows -> {
      long n = 0;
      for (; rows.hasNext(); rows.next()) n++;
      return List.of(n).iterator();
    }).collect();
    starts = new long[counts.size() + 1];
    for (int i = 0; i < counts.size(); i++) starts[i + 1] = starts[i] + counts.get(i);
  }

  /**
   * What each of `replicas` replicas reads, a partition each: its contiguous part of the rows, which are parts of one size but for a row,
   * or all of them. A partition's pieces are one Arrow stream. Cached on the disks of executors.
   */
  JavaRDD<byte[]> partitions(int replicas, boolean whole) {
    sort();
    long total = starts[starts.length - 1];
    long[] begins = starts;
    StructType type = frame.schema();
    JavaPairRDD<Long, byte[]> pieces = sorted.mapPartitionsWithIndex(
      (index, rows) -> new Pieces(type, rows, begins[index], total, whole ? 1 : replicas), true
    ).mapToPair(piece -> piece);
    if (whole && replicas > 1) {
      pieces = pieces.flatMapToPair(piece -> {
        List<Tuple2<Long, byte[]>> copies = new ArrayList<>();
        for (long k = 0; k < replicas; k++) copies.add(new Tuple2<>(k << ROW_BITS | piece._1, piece._2));
        return copies.iterator();
      });
    }
    byte[] schema = ArrowRows.schemaOf(type);
    return pieces.repartitionAndSortWithinPartitions(new ByReplica(replicas))
      .mapPartitions(part -> new Stream(schema, part)).persist(StorageLevel.DISK_ONLY());
  }

  /** Record batches of a sorted partition, cut where another replica's rows begin, by the number of their first row. */
  private static final class Pieces implements Iterator<Tuple2<Long, byte[]>> {
    private final StructType type;
    private final Iterator<Row> rows;
    private final long total;
    private final int replicas;
    private ArrowRows arrow;
    private long at;
    private long replica;

    Pieces(StructType type, Iterator<Row> rows, long at, long total, int replicas) {
      this.type = type;
      this.rows = rows;
      this.at = at;
      this.total = total;
      this.replicas = replicas;
    }

    @Override
    public boolean hasNext() {
      if (rows.hasNext()) return true;
      if (arrow != null) arrow.close();
      arrow = null;
      return false;
    }

    @Override
    public Tuple2<Long, byte[]> next() {
      if (arrow == null) {
        arrow = new ArrowRows(type);
        arrow.schema();
      }
      // Part k of a source of n rows is [floor(k n / K), floor((k + 1) n / K)), as everywhere in netrun.
      while ((replica + 1) * total / replicas <= at) replica++;
      long end = (replica + 1) * total / replicas;
      long key = replica << ROW_BITS | at;
      byte[] bytes = arrow.batch(rows, Math.min(ArrowRows.ROWS, end - at), ArrowRows.BYTES);
      at += arrow.written;
      return new Tuple2<>(key, bytes);
    }
  }

  private static final class ByReplica extends Partitioner {
    private final int replicas;

    ByReplica(int replicas) {
      this.replicas = replicas;
    }

    @Override
    public int numPartitions() {
      return replicas;
    }

    @Override
    public int getPartition(Object key) {
      return (int) ((Long) key >> ROW_BITS);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof ByReplica && ((ByReplica) other).replicas == replicas;
    }

    @Override
    public int hashCode() {
      return replicas;
    }
  }

  /** The schema, then the record batches. */
  private static final class Stream implements Iterator<byte[]> {
    private byte[] schema;
    private final Iterator<Tuple2<Long, byte[]>> batches;

    Stream(byte[] schema, Iterator<Tuple2<Long, byte[]>> batches) {
      this.schema = schema;
      this.batches = batches;
    }

    @Override
    public boolean hasNext() {
      return schema != null || batches.hasNext();
    }

    @Override
    public byte[] next() {
      if (schema == null) return batches.next()._2;
      byte[] first = schema;
      schema = null;
      return first;
    }
  }
}
