package netrun.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;

/** A Node process of this executor that has one replica. */
final class Worker {
  private static final String SCRIPT = "dist/lib/engine/spark/worker-main.js";
  private static final Map<Long, Worker> ALL = new ConcurrentHashMap<>();
  /** How long a task waits between two looks at its worker and at whether Spark has cancelled it. */
  private static final long LOOK_MS = 100;

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> ALL.values().forEach(Worker::kill)));
  }

  /** A call under way. */
  private static final class Pending {
    final Call call;
    final CompletableFuture<Answer> answer = new CompletableFuture<>();
    final long began = System.nanoTime();
    volatile long sent = began;
    volatile long progress = began;
    volatile int iterations;
    volatile double slowestMs;
    /** Where the worker keeps its state, and whether that becomes a block as it is. */
    private Path kept;
    private boolean isBlock;

    Pending(Call call) {
      this.call = call;
    }

    /** Chooses where the worker keeps its state, of as many bytes as before; small ones in the worker's own file. */
    Path keep(long bytes, Path own) {
      Path block = Blocks.fileOf(Blocks.state(call.replica, call.keep), bytes);
      isBlock = block != null;
      kept = isBlock ? block : own;
      return kept;
    }

    void iteration() {
      long now = System.nanoTime();
      // The first one compiles.
      if (iterations > 0) slowestMs = Math.max(slowestMs, (now - progress) / 1e6);
      iterations++;
      progress = now;
    }
  }

  private final long id;
  private final Process process;
  private final Frames frames;
  private final Path folder;
  private Pending pending;
  private volatile String ended;
  /** Bytes of the state that it has kept last. */
  private long keptBytes;

  private Worker(long id, String[] command) throws IOException {
    this.id = id;
    // A task may be made again here while what it started first still ends: each has a folder of its own.
    folder = Files.createTempDirectory(Scratch.folder(), "worker-" + id + "-");
    process = new ProcessBuilder(Command.of(command, SCRIPT, Scratch.folder().toString(), folder.toString())).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    frames = new Frames(new BufferedInputStream(process.getInputStream(), 1 << 16), process.getOutputStream());
    Thread reader = new Thread(this::read, "netrun worker " + id);
    reader.setDaemon(true);
    reader.start();
  }

  /** A task: the call of a worker that is here, which another attempt of the task may have made already. */
  static Answer run(Call call, List<Iterator<byte[]>> data, TaskContext context) {
    Worker worker = ALL.get(call.worker);
    try {
      if (worker == null && call.opens()) worker = start(call);
      if (worker == null) return Answer.absent();
      if (call.name.equals("end")) {
        worker.kill();
        return new Answer(Answer.Status.OK, "", Answer.NONE, null, 0, 0, worker.process.pid());
      }
      Pending pending = worker.join(call, data);
      return worker.await(pending, context);
    } catch (IOException e) {
      if (worker != null) worker.end(e.toString());
      return Answer.lost(e.toString(), worker == null ? 0 : worker.process.pid());
    }
  }

  private static synchronized Worker start(Call call) throws IOException {
    Worker known = ALL.get(call.worker);
    if (known != null) return known;
    Worker made = new Worker(call.worker, call.command);
    ALL.put(call.worker, made);
    return made;
  }

  /**
   * The call under way, if it is this one; else makes it. What fails before it is sent, such as reading the data, fails the task: its next
   * attempt makes the call afresh.
   */
  private Pending join(Call call, List<Iterator<byte[]>> data) throws IOException {
    Pending made;
    synchronized (this) {
      if (pending != null && pending.call.id == call.id) return pending;
      if (pending != null && !pending.answer.isDone()) throw new IOException("it was still busy with a call that was given up");
      made = pending = new Pending(call);
      if (ended != null) {
        made.answer.complete(Answer.lost(ended, process.pid()));
        return made;
      }
    }
    try {
      send(made, data);
    } catch (Throwable e) {
      synchronized (this) {
        if (pending == made) pending = null;
      }
      // Other attempts of the task that wait for it.
      made.answer.completeExceptionally(e);
      // The next attempt may be on another executor.
      if (call.opens()) kill();
      throw e;
    }
    return made;
  }

  private void send(Pending made, List<Iterator<byte[]>> data) throws IOException {
    Call call = made.call;
    ObjectNode head = (ObjectNode) Frames.JSON.readTree(call.head);
    head.put("name", call.name);
    head.put("out", file("out").toString());
    if (call.common != null) head.put("commonPath", call.common.here().toString());
    if (call.own != null) head.put("ownPath", call.own.here().toString());
    if (call.keep >= 0) head.put("keep", made.keep(keptBytes, file("keep")).toString());
    if (call.store >= 0) {
      head.put("store", file("store").toString());
      if (!Blocks.get(Blocks.state(call.replica, call.store), file("store"))) {
        made.answer.complete(new Answer(Answer.Status.FAILED, "its state is lost with the executors that had a copy", Answer.NONE, null, 0, 0, process.pid()));
        return;
      }
    }
    ObjectNode files = head.putObject("data");
    for (int i = 0; i < data.size(); i++) files.put(call.data[i], write(data.get(i), "data-" + i + ".arrow").toString());
    made.sent = made.progress = System.nanoTime();
    // A worker that hangs reads nothing: the task, which finds it out, does not wait for that.
    Thread writer = new Thread(() -> write(head, call.body), "netrun call of worker " + id);
    writer.setDaemon(true);
    writer.start();
  }

  private void write(ObjectNode head, byte[] body) {
    try {
      frames.write(head, body);
    } catch (IOException e) {
      end(null);
    }
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  /** Writes a partition of the data to a file: its pieces are one Arrow stream. */
  private Path write(Iterator<byte[]> pieces, String name) throws IOException {
    Path rows = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(rows)) {
      while (pieces.hasNext()) out.write(pieces.next());
    }
    return rows;
  }

  private Answer await(Pending pending, TaskContext context) {
    for (;;) {
      try {
        return pending.answer.get(LOOK_MS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (context.isInterrupted()) throw cancelled(pending.call);
        long silentMs = (System.nanoTime() - pending.progress) / 1_000_000;
        long allowedMs = pending.call.patience.of(pending.iterations, pending.slowestMs);
        if (silentMs > allowedMs) end(String.format("hung: no iteration was done in %.3g s", allowedMs / 1000.0));
      } catch (InterruptedException e) {
        throw cancelled(pending.call);
      } catch (ExecutionException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Spark has cancelled a task: another attempt of it may join the call. A worker that was about to open is opened elsewhere. */
  private RuntimeException cancelled(Call call) {
    if (call.opens()) kill();
    return new TaskKilledException("the call of worker " + id + " was cancelled");
  }

  private void read() {
    try {
      for (;;) {
        Frames.Frame frame = frames.read();
        Pending now;
        synchronized (this) {
          now = pending;
        }
        String kind = frame.head().get("kind").asText();
        if (kind.equals("iteration")) now.iteration();
        else now.answer.complete(answer(now, kind, frame));
      }
    } catch (Throwable e) {
      end(null);
    }
  }

  private Answer answer(Pending now, String kind, Frames.Frame frame) throws IOException {
    JsonNode head = frame.head();
    Call call = now.call;
    if (!kind.equals("result"))
      return new Answer(Answer.Status.ERROR, "", frame.bodies()[0], null, now.slowestMs, now.iterations, process.pid());
    long done = System.nanoTime();
    long bytes = head.get("bytes").asLong();
    Vectors vectors = bytes > 0 ? Vectors.result(call.id, file("out"), bytes) : null;
    if (call.keep >= 0) keptBytes = Blocks.keep(Blocks.state(call.replica, call.keep), now.kept, now.isBlock, call.driverKeeps);
    Answer answer = new Answer(Answer.Status.OK, "", frame.bodies()[0], vectors, now.slowestMs, now.iterations, process.pid());
    answer.keptBytes = call.keep >= 0 ? keptBytes : 0;
    answer.readyMs = (now.sent - now.began) / 1e6;
    answer.callMs = (done - now.sent) / 1e6;
    answer.storeMs = (System.nanoTime() - done) / 1e6;
    return answer;
  }

  /** Ends the worker: whatever it does is lost. A reason that is not given is how the process ended. */
  private void end(String reason) {
    String why = reason;
    if (why == null) {
      try {
        if (process.waitFor(1, TimeUnit.SECONDS)) {
          int code = process.exitValue();
          why = code > 128 ? "ended by signal " + (code - 128) : "exited with code " + code;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    synchronized (this) {
      if (ended == null) ended = why == null ? "closed its output" : why;
    }
    kill();
    synchronized (this) {
      if (pending != null) pending.answer.complete(Answer.lost(ended, process.pid()));
    }
  }

  private void kill() {
    ALL.remove(id, this);
    process.destroyForcibly();
    Scratch.delete(folder);
  }
}
