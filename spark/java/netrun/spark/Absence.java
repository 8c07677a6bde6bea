package netrun.spark;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkContext;

/** Ends what waits for executors when none comes: Spark by itself waits for ever, for free cores, or for machines to come back. */
final class Absence {
  /** How long there may be no executor while something waits: spark.netrun.executorTimeout. */
  private static final String PROPERTY = "spark.netrun.executorTimeout";
  private static final String PATIENCE = "10min";
  private static final long LOOK_MS = 1000;

  private final SparkContext context;
  private final Executors executors;
  private final long patienceMs;
  /** What waits. */
  private final AtomicInteger waiting = new AtomicInteger();
  private volatile String reason;

  Absence(SparkContext context, Executors executors) {
    this.context = context;
    this.executors = executors;
    patienceMs = context.getConf().getTimeAsMs(PROPERTY, PATIENCE);
    Thread watch = new Thread(this::watch, "netrun executors");
    watch.setDaemon(true);
    watch.start();
  }

  /** Something may wait for executors from here on. */
  void begin() {
    if (waiting.getAndIncrement() == 0) reason = null;
  }

  void end() {
    waiting.decrementAndGet();
  }

  /** Why what waited was ended; null where it was not. */
  String reason() {
    if (context.isStopped()) return "Spark has stopped the application; why is in its messages";
    return reason;
  }

  private void watch() {
    long since = System.nanoTime();
    while (!context.isStopped()) {
      try {
        Thread.sleep(Math.min(LOOK_MS, Math.max(1, patienceMs / 4)));
      } catch (InterruptedException e) {
        return;
      }
      if (waiting.get() == 0 || context.isStopped() || !executors.running().isEmpty()) {
        since = System.nanoTime();
        continue;
      }
      if (System.nanoTime() - since < patienceMs * 1_000_000) continue;
      String cores = context.getConf().get("spark.executor.cores", "");
      String each = (cores.isEmpty() ? "" : cores + " cores and ") + context.getConf().get("spark.executor.memory", "1g") + " of memory";
      reason = String.format(Locale.ROOT, "%s has had no executor for %.3g s: it has no machine with %s free, or none that is reachable from here; wait longer with --conf %s=1h",
        context.master(), patienceMs / 1000.0, each, PROPERTY);
      context.cancelAllJobs();
      since = System.nanoTime();
    }
  }
}
