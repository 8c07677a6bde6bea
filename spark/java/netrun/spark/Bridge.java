package netrun.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.BlockId;
import scala.Function2;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/** The driver's side of Spark: does on the cluster what Node, the driver program, asks for. It knows replicas, vectors and partitions. */
final class Bridge {
  /** An operation that others add. Writes into the head of the answer; gives its bodies. */
  interface Handler {
    byte[][] handle(Bridge bridge, JsonNode head, ObjectNode answer) throws Exception;
  }

  final SparkSession spark;
  /** Data sets by name: partition k is what replica k reads. */
  final Map<String, JavaRDD<byte[]>> data = new ConcurrentHashMap<>();
  final Map<String, Handler> handlers = new ConcurrentHashMap<>();
  private final Frames frames;
  private final Executors executors;
  private final Absence absence;
  private final ExecutorService threads = java.util.concurrent.Executors.newCachedThreadPool(task -> {
    Thread thread = new Thread(task, "netrun bridge");
    thread.setDaemon(true);
    return thread;
  });
  private final java.util.concurrent.atomic.AtomicLong ids = new java.util.concurrent.atomic.AtomicLong();
  /** Executors that have a replica's state, where there are so many. */
  private static final int COPIES = 2;
  /** Bytes of states of all replicas up to which the driver has the second copy of each. */
  private final long driverStates;
  /** Replicas that have been opened before. */
  private final Set<Integer> opened = ConcurrentHashMap.newKeySet();
  private volatile String[] command = {"node", "."};

  Bridge(SparkSession spark, Frames frames) {
    this.spark = spark;
    this.frames = frames;
    this.executors = new Executors(spark.sparkContext());
    this.absence = new Absence(spark.sparkContext(), executors);
    driverStates = spark.sparkContext().getConf().getSizeAsBytes("spark.netrun.driverStates", "1g");
    RowOps.addTo(this);
  }

  /** Node and netrun's folder, for executors that have no archive. */
  String[] command() {
    return command;
  }

  /** Serves until Node closes the connection. */
  void serve() throws IOException {
    for (;;) {
      Frames.Frame frame;
      try {
        frame = frames.read();
      } catch (EOFException e) {
        return;
      }
      threads.execute(() -> serve(frame));
    }
  }

  private void serve(Frames.Frame frame) {
    JsonNode head = frame.head();
    absence.begin();
    try {
      switch (head.get("op").asText()) {
        case "ping" -> answer(head, Frames.JSON.createObjectNode().put("status", "ok"));
        case "hello" -> answer(head, hello(head));
        case "calls" -> calls(head, frame.bodies());
        case "read" -> answer(head, read(head));
        case "forget" -> forget(head);
        default -> {
          Handler handler = handlers.get(head.get("op").asText());
          if (handler == null) throw new IllegalArgumentException("unknown operation " + head.get("op"));
          ObjectNode answer = Frames.JSON.createObjectNode().put("status", "ok");
          answer(head, answer, handler.handle(this, head, answer));
        }
      }
    } catch (Throwable e) {
      String ended = absence.reason();
      ObjectNode answer = Frames.JSON.createObjectNode();
      answer.put("status", "failed").put("reason", ended == null ? e.toString() : ended);
      answer(head, answer);
      // No job has been started: each of its calls is waited for.
      String status = ended == null ? "lost" : "failed";
      if (head.has("calls")) for (JsonNode call : head.get("calls")) answer(call, answer.deepCopy().put("status", status));
    } finally {
      absence.end();
    }
  }

  private void answer(JsonNode request, ObjectNode answer, byte[]... bodies) {
    if (!request.has("id")) return;
    answer.set("id", request.get("id"));
    send(answer, bodies);
  }

  private void send(ObjectNode answer, byte[]... bodies) {
    try {
      frames.write(answer, bodies);
    } catch (IOException e) {
      // Node is gone: serve() sees it too.
    }
  }

  /** Tells Node of a signal that this process has got. */
  void signal(String name) {
    send(Frames.JSON.createObjectNode().put("signal", name));
  }

  private ObjectNode hello(JsonNode head) {
    SparkConf conf = spark.sparkContext().getConf();
    command = new String[] {conf.get("spark.netrun.node", head.get("node").asText()), conf.get("spark.netrun.home", head.get("home").asText())};
    ObjectNode answer = Frames.JSON.createObjectNode();
    answer.put("status", "ok").put("version", spark.version()).put("application", spark.sparkContext().applicationId());
    answer.put("master", spark.sparkContext().master()).put("executors", executors.running().size());
    answer.put("cores", conf.getInt("spark.task.cpus", 1));
    return answer;
  }

  private ObjectNode read(JsonNode head) throws IOException {
    boolean found = Blocks.get(Blocks.state(head.get("replica").asInt(), head.get("block").asLong()), Path.of(head.get("path").asText()));
    ObjectNode answer = Frames.JSON.createObjectNode();
    return answer.put("status", found ? "ok" : "failed").put("reason", "no copy of the replica's state is left");
  }

  private void forget(JsonNode head) {
    for (JsonNode block : head.get("blocks")) Blocks.remove(Blocks.state(head.get("replica").asInt(), block.asLong()));
  }

  private Vectors shared(JsonNode vectors) throws IOException {
    if (vectors == null || vectors.isNull()) return null;
    return Vectors.common(ids.incrementAndGet(), vectors.get("path").asText(), vectors.get("bytes").asLong());
  }

  /** Makes calls of replicas, each with a body, in one job; answers come as their replicas are done. */
  private void calls(JsonNode head, byte[][] bodies) throws IOException {
    long began = System.nanoTime();
    Vectors common = shared(head.get("common"));
    double broadcastMs = (System.nanoTime() - began) / 1e6;
    List<Vectors> shared = new ArrayList<>();
    if (common != null) shared.add(common);
    String[] names = Frames.JSON.convertValue(head.get("data"), String[].class);
    Map<Integer, Call> calls = new TreeMap<>();
    Map<Integer, JsonNode> heads = new TreeMap<>();
    for (int i = 0; i < bodies.length; i++) {
      JsonNode each = head.get("calls").get(i);
      Vectors own = shared(each.get("own"));
      if (own != null) shared.add(own);
      int replica = each.get("replica").asInt();
      long worker = each.get("worker").asLong();
      String name = head.get("name").asText();
      Place better = name.equals("round") && each.get("keep").asLong() >= 0 ? executors.better(worker) : null;
      if (better != null) {
        executors.remove(worker);
        moved(each, better);
        continue;
      }
      Place place = executors.of(worker);
      // At first a replica is where its data is cached, later where fewest are.
      if (place == null && name.startsWith("open") && (names.length == 0 || !opened.add(replica))) place = executors.choose(worker);
      ((ObjectNode) each).put("broadcastMs", broadcastMs);
      heads.put(replica, each);
      calls.put(replica, new Call(each.get("id").asLong(), worker, replica, name, each.get("head").toString(), bodies[i], common, own,
          each.get("store").asLong(), each.get("keep").asLong(), driverStates / head.get("replicas").asInt(), patience(each.get("patience")), command, names, place));
    }
    if (!calls.isEmpty()) run(head.get("replicas").asInt(), calls, heads);
    for (Vectors each : shared) each.remove();
  }

  /** Tells Node that a replica is to be opened elsewhere: executors that come back get their share again. */
  private void moved(JsonNode call, Place place) {
    ObjectNode reply = Frames.JSON.createObjectNode();
    reply.put("id", call.get("id").asLong()).put("status", "lost");
    reply.put("reason", "moves to executor " + place.executor() + " on " + place.machine() + ", which has fewer replicas");
    send(reply, Answer.NONE);
  }

  private static Call.Patience patience(JsonNode given) {
    return new Call.Patience(given.get("firstMs").asLong(), given.get("nextMs").asLong(), given.get("factor").asDouble());
  }

  private void run(int replicas, Map<Integer, Call> calls, Map<Integer, JsonNode> heads) {
    List<RDD<byte[]>> rows = new ArrayList<>();
    for (String name : calls.values().iterator().next().data) rows.add(data.get(name).rdd());
    Calls job = new Calls(spark.sparkContext(), replicas, calls, rows);
    Map<Integer, Call> left = new ConcurrentHashMap<>(calls);
    List<Integer> indices = new ArrayList<>(calls.keySet());
    List<java.util.concurrent.Future<?>> ends = java.util.Collections.synchronizedList(new ArrayList<>());
    Function2<Object, Answer, BoxedUnit> done = new AbstractFunction2<>() {
      @Override
      public BoxedUnit apply(Object index, Answer answer) {
        Call call = left.remove(indices.get((Integer) index));
        // In Spark's own thread: nothing that takes long.
        ends.add(threads.submit(() -> finish(replicas, call, heads.get(call.replica), answer)));
        return BoxedUnit.UNIT;
      }
    };
    try {
      spark.sparkContext().runJob(job, new First(), CollectionConverters.asScala(new ArrayList<Object>(indices)).toSeq(), done, ClassTag.apply(Answer.class));
    } catch (Throwable e) {
      String ended = absence.reason();
      Answer answer = ended == null ? Answer.ofNobody(Answer.Status.LOST, e.getMessage()) : Answer.ofNobody(Answer.Status.FAILED, ended);
      for (Call call : left.values()) finish(replicas, call, heads.get(call.replica), answer);
    }
    for (java.util.concurrent.Future<?> end : ends) {
      try {
        end.get();
      } catch (Exception e) {
        // It has answered for itself.
      }
    }
  }

  /** A task's answer is the one row of its partition. */
  private static final class First extends AbstractFunction2<TaskContext, scala.collection.Iterator<Answer>, Answer> implements java.io.Serializable {
    @Override
    public Answer apply(TaskContext context, scala.collection.Iterator<Answer> rows) {
      return rows.next();
    }
  }

  /**
   * Copies a state to the driver, where it outlives all executors, if no second executor has a copy: that of a state up to some bytes,
   * or where there is one executor alone. Of larger states the driver would read as many bytes in every round as of weights.
   */
  private void keep(Call call, long bytes) throws IOException {
    BlockId state = Blocks.state(call.replica, call.keep);
    if (bytes > call.driverKeeps && Blocks.copies(state) >= COPIES) return;
    Blocks.copyHere(state, bytes, Scratch.folder().resolve("state-" + call.worker));
  }

  /** Tells Node how a call ended; one whose task ran elsewhere than its worker is made once more. */
  private void finish(int replicas, Call call, JsonNode head, Answer answer) {
    ObjectNode reply = Frames.JSON.createObjectNode();
    reply.put("id", call.id);
    Place place = executors.of(call.worker);
    long came = System.nanoTime();
    try {
      Answer.Status status = answer.status;
      String reason = answer.reason;
      if (status == Answer.Status.ABSENT) {
        // Speculation started a copy elsewhere, whose answer came first.
        if (place != null && executors.isRunning(place) && !answer.executor.equals(place.executor())) {
          ((ObjectNode) head).put("elsewhere", head.path("elsewhere").asInt() + 1);
          run(replicas, Map.of(call.replica, call), Map.of(call.replica, head));
          return;
        }
        status = Answer.Status.LOST;
        reason = place != null && !executors.isRunning(place) ? executors.reason(place) : "its worker has ended";
      }
      if (status == Answer.Status.LOST || call.name.equals("end")) executors.remove(call.worker);
      else if (call.opens()) executors.put(call.worker, new Place(answer.executor, answer.machine));
      if (answer.vectors != null) answer.vectors.fetch(Path.of(head.get("result").asText()));
      if (answer.keptBytes > 0) keep(call, answer.keptBytes);
      reply.put("status", status.name().toLowerCase()).put("reason", reason);
      Place its = answer.status == Answer.Status.ABSENT || answer.executor == null ? place : new Place(answer.executor, answer.machine);
      if (its != null) reply.put("executor", its.executor()).put("machine", its.machine());
      // Of one call: what of it was the executor's, and how long its result took to come here.
      reply.put("readyMs", answer.readyMs).put("callMs", answer.callMs).put("storeMs", answer.storeMs);
      reply.put("fetchMs", (System.nanoTime() - came) / 1e6).put("broadcastMs", head.get("broadcastMs").asDouble());
      reply.put("slowestMs", answer.slowestMs).put("iterations", answer.iterations).put("pid", answer.pid);
      reply.put("elsewhere", head.path("elsewhere").asInt());
    } catch (Throwable e) {
      reply.put("status", "lost").put("reason", e.toString());
    }
    send(reply, answer.body);
    if (answer.vectors != null) answer.vectors.remove();
  }
}
