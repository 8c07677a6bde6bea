package netrun.spark;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.storage.BlockId;
import org.apache.spark.storage.BlockManager;
import org.apache.spark.storage.BlockManagerId;
import org.apache.spark.storage.DiskBlockManager;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.storage.StreamBlockId;
import org.apache.spark.util.io.ChunkedByteBuffer;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;

/**
 * Files as blocks of Spark's block managers: vectors that travel, which a task or its result would serialise twice, and the states of
 * replicas.
 */
final class Blocks {
  /** Bytes of a mapped piece: a mapping is below 2 GB. */
  private static final long PIECE = 1L << 28;

  /** Bytes of a state that is kept in memory. */
  private static final long SMALL = 1 << 22;

  static BlockId state(int replica, long id) {
    return new StreamBlockId(replica, id);
  }

  private static BlockManager manager() {
    return SparkEnv.get().blockManager();
  }

  /** Puts some bytes of a file. Levels that use memory take the mapped file as it is: it must not change until the block is gone. */
  static void put(BlockId id, Path path, long from, long bytes, StorageLevel level) throws IOException {
    List<ByteBuffer> pieces = new ArrayList<>();
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
      for (long at = 0; at < bytes; at += PIECE)
        pieces.add(file.map(FileChannel.MapMode.READ_ONLY, from + at, Math.min(PIECE, bytes - at)));
    }
    put(id, new ChunkedByteBuffer(pieces.toArray(new ByteBuffer[0])), level);
  }

  /** A file that can become a block on disk as it is; null where so few bytes are kept in memory, or blocks are encrypted. */
  static Path fileOf(BlockId id, long bytes) {
    if (bytes <= SMALL || SparkEnv.get().securityManager().getIOEncryptionKey().isDefined()) return null;
    DiskBlockManager disk = manager().diskBlockManager();
    return disk.createTempFileWith(disk.getFile(id)).toPath();
  }

  /**
   * Keeps a file's bytes here, on disk, or in memory where there are few, and on another executor if they are more than the driver copies.
   * A file of `fileOf` is taken over. How many they are.
   */
  static long keep(BlockId id, Path path, boolean isBlock, long driverKeeps) throws IOException {
    long bytes = Files.size(path);
    if (isBlock) rename(id, path, bytes);
    else if (bytes > SMALL) put(id, path, 0, bytes, StorageLevel.DISK_ONLY());
    else put(id, new ChunkedByteBuffer(ByteBuffer.wrap(Files.readAllBytes(path))), StorageLevel.MEMORY_AND_DISK_SER());
    if (bytes > driverKeeps) manager().replicateBlock(id, CollectionConverters.asScala(java.util.Set.<BlockManagerId>of()).toSet(), 2, Option.empty());
    return bytes;
  }

  /** Makes a file a block on disk, by its name alone. */
  private static void rename(BlockId id, Path path, long bytes) throws IOException {
    ClassTag<?> type = ClassTag.apply(byte[].class);
    Object update = Internals.make(BlockManager.TempFileBasedBlockStoreUpdater.class, manager(), id, StorageLevel.DISK_ONLY(), type, path.toFile(), bytes, true, false);
    if (!(Boolean) Internals.call(update, "save")) throw new IOException("block " + id + " of " + bytes + " bytes could not be stored");
  }

  /** How many executors have a block; in local mode the driver is one. On the driver only. */
  static int copies(BlockId id) {
    return manager().master().getLocations(id).size();
  }

  /** Copies a block of an executor's here, onto the disk, where it outlives all executors; a file has the bytes of small ones meanwhile. */
  static void copyHere(BlockId id, long bytes, Path small) throws IOException {
    if (isHere(id)) return;
    Path block = fileOf(id, bytes);
    Path file = block == null ? small : block;
    Files.deleteIfExists(file);
    if (!get(id, file)) throw new IOException("the state that it left is with no executor any more");
    if (block != null) {
      rename(id, file, bytes);
    } else {
      put(id, file, 0, bytes, StorageLevel.DISK_ONLY());
      Files.delete(file);
    }
  }

  private static void put(BlockId id, ChunkedByteBuffer buffer, StorageLevel level) throws IOException {
    Object done = Internals.call(manager(), "putBytes", id, buffer, level, true, ClassTag.apply(byte[].class));
    if (!(Boolean) done) throw new IOException("block " + id + " of " + buffer.size() + " bytes could not be stored");
  }

  /** Writes a block of this or another executor to a file; false where there is none any more. */
  static boolean get(BlockId id, Path path) throws IOException {
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      return get(id, file);
    }
  }

  /** Writes a block to a file from where it is. */
  private static boolean get(BlockId id, FileChannel file) throws IOException {
    if (!isHere(id)) return new Transfer(id, file, 0).await();
    ManagedBuffer local = manager().getLocalBlockData(id);
    try (InputStream in = local.createInputStream()) {
      byte[] piece = new byte[1 << 20];
      for (int n; (n = in.read(piece)) >= 0; ) write(file, ByteBuffer.wrap(piece, 0, n));
    } finally {
      local.release();
    }
    return true;
  }

  /** Whether this block manager has a block. */
  static boolean isHere(BlockId id) {
    return manager().getStatus(id).isDefined();
  }

  private static void write(FileChannel file, ByteBuffer piece) throws IOException {
    while (piece.hasRemaining()) file.write(piece);
  }

  /** Removes a block wherever it is. On the driver only. */
  static void remove(BlockId id) {
    manager().master().removeBlock(id);
  }
}
