package netrun.spark;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkFiles;

/** How an executor starts a worker. */
final class Command {
  /** The folder of the archive that `netrun spark pack` makes: --archives FILE#netrun. */
  private static final String ARCHIVE = "netrun";
  private static final String WORKER = "dist/lib/engine/spark/worker-main.js";

  /** The archive's Node and netrun where there is one, else what is given: Node and netrun's folder. Its arguments: the folder of vectors. */
  static List<String> of(String[] given, Path folder) {
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
    // What prints to the standard output must not get among the messages, which go through another number.
    String shell = "exec \"$0\" \"$@\" 3>&1 1>&2";
    String worker = new File(home, WORKER).getPath();
    return new ArrayList<>(List.of("/bin/sh", "-c", shell, node, worker, Scratch.folder().toString(), folder.toString()));
  }
}
