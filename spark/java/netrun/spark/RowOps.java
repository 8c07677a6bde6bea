package netrun.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Operations of the bridge on DataFrames: frame opens one, rows cuts some into what replicas read, extract writes one with blobs. */
final class RowOps {
  private final Map<Integer, RowData> frames = new ConcurrentHashMap<>();

  private RowOps() {}

  static void addTo(Bridge bridge) {
    RowOps ops = new RowOps();
    bridge.handlers.put("frame", (its, head, answer) -> {
      RowData rows = RowData.open(its.spark, head.get("source").asText());
      if (head.get("ordered").asBoolean()) rows.sort();
      rows.describe(answer);
      ops.frames.put(head.get("frame").asInt(), rows);
      return new byte[][] {rows.sample()};
    });
    bridge.handlers.put("extract", (its, head, answer) -> {
      ops.extract(its, head);
      return new byte[0][];
    });
    bridge.handlers.put("rows", (its, head, answer) -> {
      ops.share(its, head);
      return new byte[0][];
    });
  }

  /** What partition k of each of the data sets has is cached on one executor, where replica k will be. */
  private void share(Bridge bridge, JsonNode head) {
    JavaRDD<Long> all = null;
    int replicas = head.get("replicas").asInt();
    for (JsonNode set : head.get("sets")) {
      String name = set.get("name").asText();
      if (bridge.data.containsKey(name)) continue;
      JavaRDD<byte[]> rows = frames.get(set.get("frame").asInt()).partitions(replicas, set.get("whole").asBoolean());
      bridge.data.put(name, rows);
      JavaRDD<Long> bytes = rows.mapPartitions(RowOps::bytes);
      all = all == null ? bytes : all.zipPartitions(bytes, RowOps::sum);
    }
    if (all != null) all.collect();
  }

  /** Writes a DataFrame with columns of blobs beside its own. */
  private void extract(Bridge bridge, JsonNode head) throws IOException {
    Map<String, String> outputs = new LinkedHashMap<>();
    for (JsonNode blob : head.get("options").get("blobs")) outputs.put(blob.asText(), blob.asText());
    Dataset<Row> rows = NetFrame.of(frames.get(head.get("frame").asInt()).whole, Map.of(), outputs, (ObjectNode) head.get("rows"), bridge.command(),
      (files, configuration) -> withFiles((ObjectNode) head.get("options"), files, configuration));
    new FrameSource(head.get("output").asText()).write(rows);
  }

  /** The options of a net with its files read, and their names in place of their paths. */
  private static ObjectNode withFiles(ObjectNode options, ModelFiles files, Configuration configuration) throws IOException {
    options.put("model", files.add(options.get("model").asText(), configuration));
    ArrayNode weights = Frames.JSON.createArrayNode();
    for (JsonNode path : options.get("weights")) weights.add(files.add(path.asText(), configuration));
    options.set("weights", weights);
    if (options.has("transform") && options.get("transform").has("meanFile")) {
      ObjectNode transform = (ObjectNode) options.get("transform");
      transform.put("meanFile", files.add(transform.get("meanFile").asText(), configuration));
    }
    return options;
  }

  private static Iterator<Long> bytes(Iterator<byte[]> pieces) {
    long sum = 0;
    while (pieces.hasNext()) sum += pieces.next().length;
    return List.of(sum).iterator();
  }

  private static Iterator<Long> sum(Iterator<Long> before, Iterator<Long> own) {
    return List.of(before.next() + own.next()).iterator();
  }
}
