package netrun.spark;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** Files of a net, read where the driver is and written where an executor is. */
final class ModelFiles implements Serializable {
  private static final long serialVersionUID = 1;

  private final Map<String, byte[]> files = new LinkedHashMap<>();

  /** Reads a file: of this machine if it is there, else of the file system that its path names. Gives its name beside the others. */
  String add(String path, Configuration configuration) throws IOException {
    String name = path.substring(path.lastIndexOf('/') + 1);
    byte[] bytes = read(path, configuration);
    byte[] known = files.putIfAbsent(name, bytes);
    if (known != null && !java.util.Arrays.equals(known, bytes)) throw new IOException("two files have the name " + name);
    return name;
  }

  private static byte[] read(String path, Configuration configuration) throws IOException {
    if (new File(path).isFile()) return Files.readAllBytes(Path.of(path));
    org.apache.hadoop.fs.Path there = new org.apache.hadoop.fs.Path(path);
    try (InputStream in = there.getFileSystem(configuration).open(there)) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      in.transferTo(out);
      return out.toByteArray();
    }
  }

  /** A name that the files of the same contents have. */
  String digest() {
    try {
      MessageDigest hash = MessageDigest.getInstance("SHA-256");
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        hash.update(file.getKey().getBytes());
        hash.update(file.getValue());
      }
      return HexFormat.of().formatHex(hash.digest()).substring(0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Writes the files into a folder, unless they are there. */
  static synchronized void write(ModelFiles files, Path folder) throws IOException {
    if (Files.exists(folder)) return;
    Path part = folder.resolveSibling(folder.getFileName() + ".part");
    Files.createDirectories(part);
    for (Map.Entry<String, byte[]> file : files.files.entrySet()) Files.write(part.resolve(file.getKey()), file.getValue());
    Files.move(part, folder);
  }
}
