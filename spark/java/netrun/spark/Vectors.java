package netrun.spark;

import java.io.Externalizable;
import java.io.IOException;
import java.io.ObjectInput;
import java.io.ObjectOutput;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;

/** Vectors one after the other in a file, that travel as its bytes: where they arrive they are a file again, and never in the heap. */
public final class Vectors implements Externalizable {
  private static final int PIECE = 1 << 20;
  /** Files that arrived here: a few of the last are kept, since tasks that come later may still read them. */
  private static final int KEPT = 3;
  private static final ArrayDeque<Path> arrived = new ArrayDeque<>();
  private static long count;

  private String path;
  private long bytes;

  public Vectors() {}

  Vectors(String path, long bytes) {
    this.path = path;
    this.bytes = bytes;
  }

  String path() {
    return path;
  }

  @Override
  public void writeExternal(ObjectOutput out) throws IOException {
    out.writeLong(bytes);
    byte[] piece = new byte[(int) Math.min(PIECE, bytes)];
    ByteBuffer buffer = ByteBuffer.wrap(piece);
    try (FileChannel file = FileChannel.open(Path.of(path), StandardOpenOption.READ)) {
      for (long left = bytes; left > 0; left -= buffer.position()) {
        buffer.clear().limit((int) Math.min(piece.length, left));
        while (buffer.hasRemaining()) if (file.read(buffer) < 0) throw new IOException(path + " is too short");
        out.write(piece, 0, buffer.position());
      }
    }
  }

  @Override
  public void readExternal(ObjectInput in) throws IOException {
    bytes = in.readLong();
    Path file = next();
    path = file.toString();
    byte[] piece = new byte[(int) Math.min(PIECE, bytes)];
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long left = bytes; left > 0; ) {
        int n = (int) Math.min(piece.length, left);
        in.readFully(piece, 0, n);
        ByteBuffer buffer = ByteBuffer.wrap(piece, 0, n);
        while (buffer.hasRemaining()) channel.write(buffer);
        left -= n;
      }
    }
  }

  /** A file to write to: the oldest one again, whose pages are there already. */
  private static synchronized Path next() throws IOException {
    Path file = Scratch.folder().resolve("common-" + count++);
    if (arrived.size() == KEPT) Files.move(arrived.remove(), file);
    arrived.add(file);
    return file;
  }
}
