package netrun.spark;

import java.io.BufferedInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkFiles;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SignalUtils;
import scala.runtime.AbstractFunction0;

/**
 * spark-submit's main class. Node is the driver program: `netrun train ARGS`, started here, or, where NETRUN_SPARK_SOCKET names its
 * socket, the process that has started this one.
 */
public final class Train {
  private static final String SOCKET = "NETRUN_SPARK_SOCKET";

  private Train() {}

  public static void main(String[] args) throws Exception {
    SparkSession spark = SparkSession.builder().config(defaults(new SparkConf())).getOrCreate();
    int code;
    String socket = System.getenv(SOCKET);
    if (socket != null) {
      try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
        bridge(spark, channel).serve();
      }
      code = 0;
    } else {
      code = start(spark, args);
    }
    spark.stop();
    System.exit(code);
  }

  /** What a training needs of Spark, where nothing else is asked for. */
  static SparkConf defaults(SparkConf conf) {
    // spark-submit names an application after its main class.
    if (conf.get("spark.app.name", "").equals(Train.class.getName())) conf.set("spark.app.name", "netrun train");
    // Weights are floats close to random: compressing them costs more than sending them.
    conf.setIfMissing("spark.broadcast.compress", "false");
    conf.setIfMissing("spark.broadcast.checksum", "false");
    conf.setIfMissing("spark.rdd.compress", "false");
    // Rows that were shuffled are cached by whoever has a core free, not all where most of them were before.
    conf.setIfMissing("spark.shuffle.reduceLocality.enabled", "false");
    // A call waits for the executor of its worker; one that comes to another is made again. Spark also waits for one that has died.
    conf.setIfMissing("spark.locality.wait", "1s");
    // Results of a few megabytes come with the message that a task is done.
    conf.setIfMissing("spark.task.maxDirectResultSize", "8m");
    // Blocks come as streams into files, not onto the heap.
    conf.setIfMissing("spark.network.maxRemoteBlockSizeFetchToMem", "8m");
    // Replicas are spread over all executors, not over the first one that comes.
    conf.setIfMissing("spark.scheduler.minRegisteredResourcesRatio", "1.0");
    conf.setIfMissing("spark.ui.showConsoleProgress", "false");
    conf.setIfMissing("spark.log.level", "WARN");
    return conf;
  }

  private static Bridge bridge(SparkSession spark, SocketChannel channel) {
    return new Bridge(spark, new Frames(new BufferedInputStream(input(channel), 1 << 16), output(channel)));
  }

  /** Streams that do not wait for each other, as those of Channels do: one reads while the other writes. */
  private static InputStream input(SocketChannel channel) {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] bytes, int from, int length) throws IOException {
        return channel.read(ByteBuffer.wrap(bytes, from, length));
      }
    };
  }

  private static OutputStream output(SocketChannel channel) {
    return new OutputStream() {
      @Override
      public void write(int one) throws IOException {
        write(new byte[] {(byte) one}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int from, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, from, length);
        while (buffer.hasRemaining()) channel.write(buffer);
      }
    };
  }

  /** Starts netrun with arguments and serves it; its exit code. */
  private static int start(SparkSession spark, String[] args) throws Exception {
    // Paths of Unix sockets have at most 108 bytes: not in a folder of Spark's.
    Path folder = Files.createTempDirectory("netrun-");
    Path path = folder.resolve("socket");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      List<String> command = new ArrayList<>(netrun(spark.sparkContext().getConf()));
      command.add("train");
      command.addAll(Arrays.asList(args));
      ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
      builder.environment().put(SOCKET, path.toString());
      Process node = builder.start();
      Runtime.getRuntime().addShutdownHook(new Thread(node::destroy));
      Bridge[] serving = {null};
      passSignals(node, serving);
      node.onExit().thenRun(() -> close(server));
      try (SocketChannel channel = server.accept()) {
        serving[0] = bridge(spark, channel);
        serving[0].serve();
      } catch (AsynchronousCloseException e) {
        // It has ended without having needed the cluster: arguments that are wrong, for one.
      }
      return node.waitFor();
    } finally {
      Scratch.delete(folder);
    }
  }

  /**
   * What a signal means is for Node to decide: it takes a snapshot, for which it needs the executors, and ends; this process ends after
   * it. A terminal sends its signals to both, and Node takes only those that come from here.
   */
  private static void passSignals(Process node, Bridge[] serving) {
    for (String name : new String[] {"INT", "TERM", "HUP"}) {
      SignalUtils.register(name, new AbstractFunction0<Object>() {
        @Override
        public Object apply() {
          if (serving[0] == null) node.destroy();
          else serving[0].signal("SIG" + name);
          return true;
        }
      });
    }
  }

  private static void close(ServerSocketChannel server) {
    try {
      server.close();
    } catch (IOException e) {
      // It is closed already.
    }
  }

  /** The command of netrun: of the archive, of spark.netrun.home, or the one that is installed. */
  private static List<String> netrun(SparkConf conf) {
    for (File archive : new File[] {new File("netrun"), new File(SparkFiles.getRootDirectory(), "netrun")}) {
      File node = new File(archive, "bin/node");
      if (!node.exists()) continue;
      node.setExecutable(true);
      return List.of(node.getAbsolutePath(), new File(archive, "bin/netrun.js").getAbsolutePath());
    }
    String home = conf.get("spark.netrun.home", "");
    if (home.isEmpty()) return List.of("netrun");
    return List.of(conf.get("spark.netrun.node", "node"), new File(home, "bin/netrun.js").getPath());
  }
}
