package netrun.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.stream.Stream;

/**
 * This JVM's folder of vectors' files, which JVM and Node share: in memory where the system has room there. It is named as netrun
 * names its own, so that a later run on this machine deletes it where this one could not.
 */
final class Scratch {
  private static final long LEAST_ROOM = 1L << 28;
  private static Path folder;

  static synchronized Path folder() {
    if (folder != null) return folder;
    try {
      Path memory = Path.of("/dev/shm");
      boolean inMemory = Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() >= LEAST_ROOM;
      Path base = inMemory ? memory : Path.of(System.getProperty("java.io.tmpdir"));
      folder = Files.createTempDirectory(base, "netrun-spark-" + owner() + "-");
      Path made = folder;
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(made)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException | UncheckedIOException e) {
      // Its workers have deleted it.
    }
  }

  /** The name of this process as lib/owner.ts has it: PID-START-MACHINE. */
  private static String owner() {
    String start = "0";
    String machine = "00000000";
    try {
      String stat = Files.readString(Path.of("/proc/self/stat"));
      String ticks = stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19];
      start = Long.toString(Long.parseLong(ticks), 36);
      String host = Files.readString(Path.of("/proc/sys/kernel/hostname")).trim();
      String space = Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
      byte[] hash = MessageDigest.getInstance("SHA-256").digest((host + " " + space).getBytes(StandardCharsets.UTF_8));
      machine = HexFormat.of().formatHex(hash).substring(0, 8);
    } catch (Exception e) {
      // Not Linux: nobody can tell whether the owner lives.
    }
    return ProcessHandle.current().pid() + "-" + start + "-" + machine;
  }
}
