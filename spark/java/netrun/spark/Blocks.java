package netrun.spark;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.storage.BlockId;
import org.apache.spark.storage.BlockManager;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.storage.StreamBlockId;
import org.apache.spark.util.io.ChunkedByteBuffer;
import scala.Option;
import scala.reflect.ClassTag;

/**
 * Files as blocks of Spark's block managers: a result for the driver, in place of a task's result, which would be serialised twice,
 * and the state of a replica in two places.
 */
final class Blocks {
  /** Bytes of a mapped piece: a mapping is below 2 GB. */
  private static final long PIECE = 1L << 28;
  /** Ids of results, apart from those of states. */
  private static final int RESULTS = 1 << 20;

  static BlockId state(int replica, long id) {
    return new StreamBlockId(replica, id);
  }

  static BlockId result(int replica, long id) {
    return new StreamBlockId(RESULTS + replica, id);
  }

  private static BlockManager manager() {
    return SparkEnv.get().blockManager();
  }

  /** Puts the first bytes of a file. Levels that use memory take the mapped file as it is: it must not change until the block is gone. */
  static void put(BlockId id, Path path, long bytes, StorageLevel level) throws IOException {
    List<ByteBuffer> pieces = new ArrayList<>();
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
      for (long at = 0; at < bytes; at += PIECE)
        pieces.add(file.map(FileChannel.MapMode.READ_ONLY, at, Math.min(PIECE, bytes - at)));
    }
    ChunkedByteBuffer buffer = new ChunkedByteBuffer(pieces.toArray(new ByteBuffer[0]));
    boolean done = manager().putBytes(id, buffer, level, true, Option.empty(), false, ClassTag.apply(byte[].class));
    if (!done) throw new IOException("block " + id + " of " + bytes + " bytes could not be stored");
  }

  /** Writes a block of this or another executor to a file; false where there is none any more. */
  static boolean get(BlockId id, Path path) throws IOException {
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      if (manager().getStatus(id).isDefined()) {
        ManagedBuffer local = manager().getLocalBlockData(id);
        try (InputStream in = local.createInputStream()) {
          byte[] piece = new byte[1 << 20];
          for (int n; (n = in.read(piece)) >= 0; ) write(file, ByteBuffer.wrap(piece, 0, n));
        } finally {
          local.release();
        }
        return true;
      }
      Option<ChunkedByteBuffer> remote = manager().getRemoteBytes(id);
      if (remote.isEmpty()) return false;
      for (ByteBuffer piece : remote.get().getChunks()) write(file, piece);
      remote.get().dispose();
      return true;
    }
  }

  private static void write(FileChannel file, ByteBuffer piece) throws IOException {
    while (piece.hasRemaining()) file.write(piece);
  }

  /** Removes a block wherever it is. On the driver only. */
  static void remove(BlockId id) {
    manager().master().removeBlock(id);
  }
}
