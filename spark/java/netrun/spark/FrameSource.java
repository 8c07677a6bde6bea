package netrun.spark;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A DataFrame by its address: `spark:FORMAT:PATH?option=value`, `spark:table:NAME` or `spark:sql:SELECT ...`. FORMAT is any that Spark
 * reads. Options may also stand after the format, `spark:sql?order=id:SELECT ...`, and have to where the rest may have a question mark.
 * They go to Spark's reader, but for netrun's own: order, shuffle, and what is read where the rows are used.
 */
final class FrameSource {
  private static final Pattern ADDRESS = Pattern.compile("spark:([^:?]+)(?:\\?([^:]*))?:(.*)", Pattern.DOTALL);
  /** Options of netrun's that are none of rows and their order. */
  private static final Set<String> ELSEWHERE = Set.of("missing", "shape");

  final String text;
  final String format;
  final String path;
  final Map<String, String> options = new LinkedHashMap<>();

  FrameSource(String text) {
    this.text = text;
    Matcher parts = ADDRESS.matcher(text);
    if (!parts.matches()) throw new IllegalArgumentException(text + ": give spark:FORMAT:PATH, spark:table:NAME or spark:sql:SELECT ...");
    format = parts.group(1);
    String rest = parts.group(3);
    int mark = parts.group(2) != null || format.equals("sql") ? -1 : rest.lastIndexOf('?');
    path = mark < 0 ? rest : rest.substring(0, mark);
    String query = parts.group(2) != null ? parts.group(2) : mark < 0 ? "" : rest.substring(mark + 1);
    for (String option : query.split("&")) {
      int at = option.indexOf('=');
      String name = decoded(at < 0 ? option : option.substring(0, at));
      if (name.isEmpty() || ELSEWHERE.contains(name)) continue;
      if (options.put(name, at < 0 ? "" : decoded(option.substring(at + 1))) != null)
        throw new IllegalArgumentException(text + ": option " + name + " is given more than once");
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

  /** Writes a DataFrame to the address: `mode` is one of its options, Spark's error without it. */
  void write(Dataset<Row> rows) {
    String mode = take("mode");
    DataFrameWriter<Row> writer = rows.write().mode(mode == null ? "error" : mode).options(options);
    if (format.equals("table")) writer.saveAsTable(path);
    else if (format.equals("sql")) throw new IllegalArgumentException(text + ": a query is nothing to write to");
    else if (format.equals("jdbc")) writer.format(format).option("url", path).save();
    else writer.format(format).save(path);
  }

  private DataFrameReader reader(SparkSession spark) {
    return spark.read().options(options);
  }
}
