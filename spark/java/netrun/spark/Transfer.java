package netrun.spark;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.buffer.NioManagedBuffer;
import org.apache.spark.network.shuffle.BlockFetchingListener;
import org.apache.spark.network.shuffle.DownloadFile;
import org.apache.spark.network.shuffle.DownloadFileManager;
import org.apache.spark.network.shuffle.DownloadFileWritableChannel;
import org.apache.spark.network.util.TransportConf;
import org.apache.spark.storage.BlockId;
import org.apache.spark.storage.BlockManager;
import org.apache.spark.storage.BlockManagerId;
import scala.jdk.javaapi.CollectionConverters;

/**
 * A block of another executor on its way into a file. Spark's transport writes what comes to where it belongs: a block manager asked
 * for the bytes would gather them on the heap, and copy them four times more.
 */
final class Transfer {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final BlockId id;
  private final FileChannel file;
  private final long at;
  /** Executors that have the block and were not asked yet. */
  private final List<BlockManagerId> places;
  private CompletableFuture<Boolean> arrival;

  /** Asks the first executor that has the block for it; its bytes belong from `at` on. */
  Transfer(BlockId id, FileChannel file, long at) {
    this.id = id;
    this.file = file;
    this.at = at;
    BlockManager manager = SparkEnv.get().blockManager();
    places = new ArrayList<>(CollectionConverters.asJava(manager.master().getLocations(id)));
    places.removeIf(place -> place.equals(manager.blockManagerId()));
    // Those who ask spread over those who have it.
    Collections.shuffle(places);
    ask();
  }

  /** Waits until the file has the block, which other executors are asked for where one has failed; false where none has it any more. */
  boolean await() throws IOException {
    try {
      while (!arrival.get()) ask();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Gone) return false;
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while a block was on its way", e);
    }
    return true;
  }

  private static final class Gone extends Exception {
    private static final long serialVersionUID = 1;
  }

  private void ask() {
    CompletableFuture<Boolean> asked = arrival = new CompletableFuture<>();
    if (places.isEmpty()) {
      asked.completeExceptionally(new Gone());
      return;
    }
    BlockManagerId place = places.remove(places.size() - 1);
    BlockFetchingListener listener = new BlockFetchingListener() {
      @Override
      public void onBlockFetchSuccess(String block, ManagedBuffer data) {
        asked.complete(true);
      }

      @Override
      public void onBlockFetchFailure(String block, Throwable error) {
        asked.complete(false);
      }
    };
    SparkEnv.get().blockManager().blockTransferService()
        .fetchBlocks(place.host(), place.port(), place.executorId(), new String[] {id.name()}, listener, new Target());
  }

  /** The place of the block in its file, as Spark's transport asks for files. A second try writes from the beginning. */
  private final class Target implements DownloadFileManager {
    @Override
    public DownloadFile createTempFile(TransportConf conf) {
      return new DownloadFile() {
        @Override
        public boolean delete() {
          return true;
        }

        @Override
        public DownloadFileWritableChannel openForWriting() {
          return new Part();
        }

        @Override
        public String path() {
          return id.name();
        }
      };
    }

    @Override
    public boolean registerTempFileToClean(DownloadFile file) {
      return true;
    }
  }

  private final class Part implements DownloadFileWritableChannel {
    private long next = at;

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int count = file.write(bytes, next);
      next += count;
      return count;
    }

    @Override
    public ManagedBuffer closeAndRead() {
      return new NioManagedBuffer(NOTHING);
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
