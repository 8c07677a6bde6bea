package netrun.spark;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;

/** A Node process of this executor that runs a net over rows. A task has it alone; the next task takes it over with its net open. */
final class RowWorker {
  private static final String SCRIPT = "dist/lib/api/row-worker.js";
  private static final long LOOK_MS = 100;
  /** Idle workers end after so long. */
  private static final long IDLE_MS = 60_000;
  private static final AtomicLong IDS = new AtomicLong();
  private static final Set<RowWorker> ALL = ConcurrentHashMap.newKeySet();
  /** How long a worker may take for a piece of rows. */
  private static final long PATIENCE_MS = SparkEnv.get().conf().getTimeAsMs("spark.netrun.rowTimeout", "10min");
  /** Workers without a task, by what they have open. */
  private static final Map<String, Deque<RowWorker>> IDLE = new HashMap<>();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> ALL.forEach(RowWorker::kill)));
    Thread sweeper = new Thread(RowWorker::sweep, "netrun idle row workers");
    sweeper.setDaemon(true);
    sweeper.start();
  }

  private final String key;
  private final Process process;
  private final Frames frames;
  private final Path folder;
  private final BlockingQueue<Object> answers = new LinkedBlockingQueue<>();
  private long idleSince;
  /** Since when a task waits for it, by the clock in milliseconds; 0 while none does. */
  private volatile long awaitedSince;
  private volatile boolean isHung;

  private RowWorker(String key, String[] command) throws IOException {
    this.key = key;
    folder = Files.createDirectories(Scratch.folder().resolve("rows-" + IDS.incrementAndGet()));
    List<String> line = Command.of(command, SCRIPT, folder.toString());
    process = new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    ALL.add(this);
    frames = new Frames(new BufferedInputStream(process.getInputStream(), 1 << 16), process.getOutputStream());
    Thread reader = new Thread(this::read, "netrun row worker");
    reader.setDaemon(true);
    reader.start();
  }

  /** A worker that has a net open: an idle one, or a new one that is told to open it. */
  static RowWorker take(String key, String[] command, ObjectNode open) throws IOException {
    synchronized (IDLE) {
      Deque<RowWorker> idle = IDLE.get(key);
      while (idle != null && !idle.isEmpty()) {
        RowWorker worker = idle.pop();
        if (worker.process.isAlive()) return worker;
        worker.kill();
      }
    }
    RowWorker worker = new RowWorker(key, command);
    worker.write(open);
    return worker;
  }

  /** Sends rows; their answer comes after those of the rows before. */
  void send(int rows, byte[] stream) throws IOException {
    ObjectNode head = Frames.JSON.createObjectNode();
    head.put("kind", "rows").put("rows", rows);
    write(head, stream);
  }

  private void write(ObjectNode head, byte[]... bodies) throws IOException {
    awaitedSince = System.currentTimeMillis();
    try {
      frames.write(head, bodies);
    } catch (IOException e) {
      throw new IOException(death(), e);
    } finally {
      awaitedSince = 0;
    }
  }

  /** The next answer. Throws what the worker says is wrong with the rows or the net, or that it has ended or hangs. */
  Frames.Frame answer(TaskContext context) throws IOException {
    awaitedSince = System.currentTimeMillis();
    try {
      return next(context);
    } finally {
      awaitedSince = 0;
    }
  }

  private Frames.Frame next(TaskContext context) throws IOException {
    for (;;) {
      Object answer;
      try {
        answer = answers.poll(LOOK_MS, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        throw new TaskKilledException("the task was cancelled");
      }
      if (context != null && context.isInterrupted()) throw new TaskKilledException("the task was cancelled");
      if (answer == null) continue;
      if (answer instanceof Throwable) throw new IOException(death(), (Throwable) answer);
      Frames.Frame frame = (Frames.Frame) answer;
      if (frame.head().get("kind").asText().equals("result")) return frame;
      throw new NetException(frame.head().get("message").asText());
    }
  }

  private String death() {
    if (isHung) return String.format(Locale.ROOT, "a row worker hung: it has not answered in %.3g s (spark.netrun.rowTimeout)", PATIENCE_MS / 1000.0);
    try {
      if (!process.waitFor(1, TimeUnit.SECONDS)) return "a row worker closed its output";
      int code = process.exitValue();
      return "a row worker " + (code > 128 ? "was ended by signal " + (code - 128) : "exited with code " + code);
    } catch (InterruptedException e) {
      return "a row worker has ended";
    }
  }

  /** Gives a worker back, which has answered all that it was sent. */
  void release() {
    synchronized (IDLE) {
      idleSince = System.currentTimeMillis();
      IDLE.computeIfAbsent(key, any -> new ArrayDeque<>()).push(this);
    }
  }

  void kill() {
    ALL.remove(this);
    process.destroyForcibly();
    Scratch.delete(folder);
  }

  /** Ends a worker that a task waits for in vain: what it has open for it, reading and writing, then fails. */
  private void killHung() {
    long since = awaitedSince;
    if (since == 0 || System.currentTimeMillis() - since <= PATIENCE_MS) return;
    isHung = true;
    kill();
  }

  private void read() {
    try {
      for (;;) answers.add(frames.read());
    } catch (Throwable e) {
      answers.add(e);
    }
  }

  private static void sweep() {
    for (;;) {
      try {
        Thread.sleep(Math.max(1, Math.min(IDLE_MS, PATIENCE_MS) / 4));
      } catch (InterruptedException e) {
        return;
      }
      for (RowWorker worker : ALL) worker.killHung();
      synchronized (IDLE) {
        long now = System.currentTimeMillis();
        for (Deque<RowWorker> idle : IDLE.values()) {
          idle.removeIf(worker -> {
            boolean isOld = now - worker.idleSince > IDLE_MS;
            if (isOld) worker.kill();
            return isOld;
          });
        }
      }
    }
  }
}
