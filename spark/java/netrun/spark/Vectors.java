package netrun.spark;

import java.io.IOException;
import java.io.Serializable;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkEnv;
import org.apache.spark.storage.BlockId;
import org.apache.spark.storage.BroadcastBlockId;
import org.apache.spark.storage.StorageLevel;

/**
 * Vectors one after the other in a file that other JVMs read. Pieces of the mapped file are blocks, and whoever has read one gives it on,
 * as a broadcast of Spark's does; but nothing is serialised, and no more than a piece is in the heap.
 */
final class Vectors implements Serializable {
  private static final long PIECE = 1 << 24;
  private static final long WHOLE = 1L << 40;
  /** Pieces that are asked for at a time: one comes, and those after it are on their way. */
  private static final int AHEAD = 4;
  /** Ids that Spark's own broadcasts do not reach. */
  private static final long COMMON = 1L << 40;
  private static final long RESULTS = 1L << 41;
  /** Files that arrived here: a few of the last are kept, since tasks that come later may still read them. */
  private static final int KEPT = 3;
  private static final ArrayDeque<Path> files = new ArrayDeque<>();
  private static final Map<Long, Path> arrived = new HashMap<>();
  private static long count;

  /** Bytes up to which a result travels with its task's: a message in place of several. */
  private static final long SMALL = 1 << 22;

  private final long id;
  private final long bytes;
  /** Bytes of a block: executors give pieces of the weights on, and the driver reads whole results. */
  private final long piece;
  /** Those of a small result; null of others. */
  private final byte[] all;
  private final String path;
  private final String executor;

  private Vectors(long id, String path, long bytes, long piece, boolean isSmall) throws IOException {
    this.id = id;
    this.piece = piece;
    this.path = path;
    this.bytes = bytes;
    executor = SparkEnv.get().executorId();
    all = isSmall ? Files.readAllBytes(Path.of(path)) : null;
    if (!isSmall) share(Path.of(path), 0, pieces());
  }

  /** Shares a file of the driver's with executors. It must not change until it is removed. */
  static Vectors common(long id, String path, long bytes) throws IOException {
    return new Vectors(COMMON + id, path, bytes, PIECE, false);
  }

  /** Shares the result of a call with the driver. */
  static Vectors result(long call, Path path, long bytes) throws IOException {
    return new Vectors(RESULTS + call, path.toString(), bytes, WHOLE, bytes <= SMALL);
  }

  private int pieces() {
    return (int) ((bytes + piece - 1) / piece);
  }

  private BlockId block(int piece) {
    return new BroadcastBlockId(id, "piece" + piece);
  }

  private void share(Path file, int from, int to) throws IOException {
    for (int i = from; i < to; i++)
      Blocks.put(block(i), file, i * piece, Math.min(piece, bytes - i * piece), StorageLevel.MEMORY_AND_DISK_SER());
  }

  /** A file that has them on this machine, for all tasks that ask. */
  Path here() throws IOException {
    if (executor.equals(SparkEnv.get().executorId())) return Path.of(path);
    synchronized (Vectors.class) {
      Path known = arrived.get(id);
      if (known != null && Files.exists(known)) return known;
      Path file = next();
      fetch(file, true);
      arrived.put(id, file);
      return file;
    }
  }

  /** Writes them to a file. */
  void fetch(Path file) throws IOException {
    if (all != null) Files.write(file, all);
    else if (executor.equals(SparkEnv.get().executorId())) copy(file);
    else fetch(file, false);
  }

  /** In local mode the driver has made them. Node has its file open: it stays the same. */
  private void copy(Path file) throws IOException {
    try (FileChannel from = FileChannel.open(Path.of(path)); FileChannel to = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long at = 0; at < bytes; ) at += from.transferTo(at, bytes - at, to.position(at));
    }
  }

  private void fetch(Path file, boolean giveOn) throws IOException {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < pieces(); i++) order.add(i);
    // Executors that begin with other pieces soon have them from each other.
    if (giveOn) Collections.shuffle(order);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ArrayDeque<Integer> coming = new ArrayDeque<>();
      Map<Integer, Transfer> transfers = new HashMap<>();
      for (int i : order) {
        if (coming.size() == AHEAD) arrive(coming.remove(), transfers, file, giveOn);
        transfers.put(i, new Transfer(block(i), channel, i * piece));
        coming.add(i);
      }
      for (int i : coming) arrive(i, transfers, file, giveOn);
    }
  }

  private void arrive(int i, Map<Integer, Transfer> transfers, Path file, boolean giveOn) throws IOException {
    if (!transfers.remove(i).await()) throw new IOException("piece " + i + " of vectors is with no executor any more");
    if (giveOn) share(file, i, i + 1);
  }

  /** Removes them everywhere. On the driver only. */
  void remove() {
    if (all == null) SparkEnv.get().blockManager().master().removeBroadcast(id, true, false);
  }

  /** A file to write to: the oldest one again, whose pages are there already. */
  private static Path next() throws IOException {
    Path file = Scratch.folder().resolve("common-" + count++);
    if (files.size() == KEPT) {
      Path oldest = files.remove();
      arrived.values().remove(oldest);
      Files.move(oldest, file);
    }
    files.add(file);
    return file;
  }
}
