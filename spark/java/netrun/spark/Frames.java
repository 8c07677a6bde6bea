package netrun.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Messages between JVM and Node; spark/README.md describes them: int32 count of parts, int32 length of each, the parts. */
final class Frames {
  static final ObjectMapper JSON = new ObjectMapper();

  /** A message: a head in JSON, and parts that only Node reads. */
  record Frame(JsonNode head, byte[][] bodies) {}

  private final DataInputStream in;
  private final OutputStream out;

  Frames(InputStream in, OutputStream out) {
    this.in = new DataInputStream(in);
    this.out = out;
  }

  /** Writes a message; messages of several threads do not mix. */
  synchronized void write(Object head, byte[]... bodies) throws IOException {
    byte[] first = JSON.writeValueAsBytes(head);
    DataOutputStream data = new DataOutputStream(new BufferedOutputStream(out, 1 << 16));
    data.writeInt(1 + bodies.length);
    data.writeInt(first.length);
    for (byte[] body : bodies) data.writeInt(body.length);
    data.write(first);
    for (byte[] body : bodies) data.write(body);
    data.flush();
  }

  /** Reads the next message. Throws EOFException at the end. */
  Frame read() throws IOException {
    int[] lengths = new int[in.readInt()];
    for (int i = 0; i < lengths.length; i++) lengths[i] = in.readInt();
    byte[] head = new byte[lengths[0]];
    in.readFully(head);
    byte[][] bodies = new byte[lengths.length - 1][];
    for (int i = 0; i < bodies.length; i++) {
      bodies[i] = new byte[lengths[1 + i]];
      in.readFully(bodies[i]);
    }
    return new Frame(JSON.readTree(head), bodies);
  }
}
