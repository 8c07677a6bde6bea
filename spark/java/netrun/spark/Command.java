package netrun.spark;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkFiles;

/** How an executor starts a worker. */
final class Command {
  /** The folder of the archive that `netrun spark pack` makes: --archives FILE#netrun. */
  private static final String ARCHIVE = "netrun";

  /** Runs a script of netrun's with arguments: the archive's Node and netrun where there is one, else what is given: Node and netrun's folder. */
  static List<String> of(String[] given, String script, String... arguments) throws IOException {
    String node = given[0];
    String home = given[1];
    for (File place : new File[] {new File(ARCHIVE), new File(SparkFiles.getRootDirectory(), ARCHIVE)}) {
      File its = new File(place, "bin/node");
      if (!its.exists()) continue;
      // Spark unpacks .tar archives without their modes.
      its.setExecutable(true);
      node = its.getAbsolutePath();
      home = place.getAbsolutePath();
      break;
    }
    if (!new File(home, script).exists())
      throw new IOException("netrun is not on this executor (no " + new File(home, script).getAbsolutePath()
        + "): submit with --archives netrun-linux-x64.tar.gz#netrun, which `netrun spark pack` writes, or set spark.netrun.home and spark.netrun.node");
    // What prints to the standard output must not get among the messages, which go through another number.
    String shell = "exec \"$0\" \"$@\" 3>&1 1>&2";
    List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", shell, node, new File(home, script).getPath()));
    command.addAll(List.of(arguments));
    return command;
  }
}
