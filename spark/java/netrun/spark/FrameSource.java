package netrun.spark;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A DataFrame by its address: `spark:FORMAT:PATH?option=value`, `spark:table:NAME` or `spark:sql:SELECT ...`. FORMAT is any that Spark
 * reads. Options go to Spark's reader, but for netrun's own: shuffle and seed of the order, order, missing.
 */
final class FrameSource {
  final String text;
  final String format;
  final String path;
  final Map<String, String> options = new LinkedHashMap<>();

  FrameSource(String text) {
    this.text = text;
    String[] parts = text.split(":", 3);
    if (parts.length < 3 || !parts[0].equals("spark") || parts[1].isEmpty())
      throw new IllegalArgumentException(text + ": give spark:FORMAT:PATH, spark:table:NAME or spark:sql:SELECT ...");
    format = parts[1];
    int mark = format.equals("sql") ? -1 : parts[2].lastIndexOf('?');
    path = mark < 0 ? parts[2] : parts[2].substring(0, mark);
    if (mark >= 0) {
      for (String option : parts[2].substring(mark + 1).split("&")) {
        int at = option.indexOf('=');
        String name = decoded(at < 0 ? option : option.substring(0, at));
        if (options.put(name, at < 0 ? "" : decoded(option.substring(at + 1))) != null)
          throw new IllegalArgumentException(text + ": option " + name + " is given more than once");
      }
    }
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }

  /** An option that is netrun's own, and so not Spark's. */
  String take(String name) {
    return options.remove(name);
  }

  Dataset<Row> read(SparkSession spark) {
    if (format.equals("table")) return reader(spark).table(path);
    if (format.equals("sql")) return spark.sql(path);
    // What a table has in its first line are names, and its columns are numbers where they look so.
    if (format.equals("csv")) {
      options.putIfAbsent("header", "true");
      options.putIfAbsent("inferSchema", "true");
    }
    DataFrameReader reader = reader(spark).format(format);
    if (format.equals("jdbc") && !path.isEmpty()) return reader.option("url", path).load();
    return path.isEmpty() ? reader.load() : reader.load(path);
  }

  private DataFrameReader reader(SparkSession spark) {
    return spark.read().options(options);
  }
}
