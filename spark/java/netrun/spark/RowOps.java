package netrun.spark;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.api.java.JavaRDD;

/** Operations of the bridge on DataFrames: frame opens one, rows cuts some into what replicas read. */
final class RowOps {
  private final Map<Integer, RowData> frames = new ConcurrentHashMap<>();

  private RowOps() {}

  static void addTo(Bridge bridge) {
    RowOps ops = new RowOps();
    bridge.handlers.put("frame", (its, head, answer) -> {
      RowData rows = RowData.open(its.spark, head.get("source").asText());
      rows.describe(answer);
      ops.frames.put(head.get("frame").asInt(), rows);
      return new byte[][] {rows.sample()};
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

  private static Iterator<Long> bytes(Iterator<byte[]> pieces) {
    long sum = 0;
    while (pieces.hasNext()) sum += pieces.next().length;
    return java.util.List.of(sum).iterator();
  }

  private static Iterator<Long> sum(Iterator<Long> before, Iterator<Long> own) {
    return java.util.List.of(before.next() + own.next()).iterator();
  }
}
