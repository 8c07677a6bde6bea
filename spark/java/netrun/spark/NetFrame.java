package netrun.spark;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.reflect.ClassTag;

/** A DataFrame with columns of blobs beside its own. */
final class NetFrame {
  /** The options of a net, as netrun's API has them; its files are added to those that executors get. */
  interface Net {
    ObjectNode open(ModelFiles files, Configuration configuration) throws IOException;
  }

  private NetFrame() {}

  /**
   * `rows` with a column of floats for each blob of `outputs` (blobs by column). `inputs` are columns by blob; where there are none, all
   * columns that a net takes go to it; of texts, those whose labels are in `known.texts`. `known` is what the worker is told of the rows;
   * `command` is Node and netrun's folder, for executors that have no archive.
   */
  static Dataset<Row> of(Dataset<Row> rows, Map<String, String> inputs, Map<String, String> outputs, ObjectNode known, String[] command, Net net)
      throws IOException {
    SparkSession spark = rows.sparkSession();
    StructType own = rows.schema();
    List<Column> columns = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (StructField field : own.fields()) {
      String[] blobs = inputs.entrySet().stream().filter(pair -> pair.getValue().equals(field.name())).map(Map.Entry::getKey).toArray(String[]::new);
      boolean isText = field.dataType() instanceof StringType && !known.path("texts").has(field.name());
      if (inputs.isEmpty() && !isText) blobs = new String[] {field.name()};
      for (String blob : blobs) {
        Column column = RowData.usable(RowData.quoted(field.name()), field.dataType());
        if (column == null || isText) {
          if (inputs.isEmpty()) continue;
          throw new IllegalArgumentException("column \"" + field.name() + "\" is " + field.dataType().simpleString() + ", which the blob \"" + blob
            + "\" cannot have: numbers, arrays of them, vectors and encoded images are blobs");
        }
        columns.add(column);
        names.add(blob);
      }
    }
    List<Column> all = new ArrayList<>();
    for (String name : own.fieldNames()) all.add(RowData.quoted(name));
    // Names that no column has: rows are taken apart by position.
    for (int i = 0; i < columns.size(); i++) all.add(columns.get(i).as("netrun.input." + i));
    Dataset<Row> wide = rows.select(all.toArray(new Column[0]));
    StructType given = new StructType();
    for (int i = 0; i < names.size(); i++) given = given.add(names.get(i), wide.schema().fields()[own.size() + i].dataType());

    ModelFiles files = new ModelFiles();
    ObjectNode options = net.open(files, spark.sparkContext().hadoopConfiguration());
    ArrayNode blobs = options.putArray("blobs");
    outputs.values().stream().distinct().forEach(blobs::add);
    SparkConf conf = spark.sparkContext().getConf();
    options.put("threads", conf.getInt("spark.task.cpus", 1));
    ObjectNode open = Frames.JSON.createObjectNode();
    open.put("kind", "open").set("frame", known);
    open.set("options", options);
    Broadcast<ModelFiles> sent = spark.sparkContext().broadcast(files, ClassTag.apply(ModelFiles.class));

    StructType with = own;
    String[] order = outputs.values().toArray(new String[0]);
    for (String column : outputs.keySet()) with = with.add(column, DataTypes.createArrayType(DataTypes.FloatType, false), false);
    return wide.mapPartitions(new NetRows(sent, open, command, own.size(), given, order), Encoders.row(with));
  }
}
