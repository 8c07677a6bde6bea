package netrun.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;
import scala.collection.immutable.ArraySeq;

/**
 * Runs a net over the rows of a partition: a row is its own columns and then the net's input columns, and what comes out are its own
 * columns and then the blobs. Rows go to a worker in pieces of whole batches, two pieces ahead.
 */
final class NetRows implements MapPartitionsFunction<Row, Row> {
  private static final long serialVersionUID = 1;
  private static final int AHEAD = 2;
  private static final int BATCH = 64;

  private final Broadcast<ModelFiles> files;
  private final String digest;
  /** The message that opens the net, in JSON; paths are names among the files. */
  private final String open;
  private final String[] command;
  private final int own;
  private final StructType inputs;
  private final String[] blobs;

  NetRows(Broadcast<ModelFiles> files, ObjectNode open, String[] command, int own, StructType inputs, String[] blobs) {
    this.files = files;
    this.digest = files.value().digest();
    this.open = open.toString();
    this.command = command;
    this.own = own;
    this.inputs = inputs;
    this.blobs = blobs;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) throws IOException {
    return rows.hasNext() ? new Results(rows) : rows;
  }

  /** The message with paths here, and what errors call the rows. */
  private ObjectNode openHere(int partition) throws IOException {
    Path folder = Scratch.folder().resolve("net-" + digest);
    ModelFiles.write(files.value(), folder);
    ObjectNode head = (ObjectNode) Frames.JSON.readTree(open);
    head.put("rows", "partition " + partition);
    ObjectNode options = (ObjectNode) head.get("options");
    options.put("model", folder.resolve(options.get("model").asText()).toString());
    if (options.has("weights")) {
      ArrayNode weights = Frames.JSON.createArrayNode();
      for (JsonNode name : options.get("weights")) weights.add(folder.resolve(name.asText()).toString());
      options.set("weights", weights);
    }
    if (options.has("transform") && options.get("transform").has("meanFile")) {
      ObjectNode transform = (ObjectNode) options.get("transform");
      transform.put("meanFile", folder.resolve(transform.get("meanFile").asText()).toString());
    }
    return head;
  }

  private final class Results implements Iterator<Row> {
    private final TaskContext context = TaskContext.get();
    private final Iterator<Row> rows;
    private final RowWorker worker;
    private final ArrowRows arrow = new ArrowRows(inputs);
    private final byte[] schema = arrow.schema();
    /** The rows of the pieces that are under way. */
    private final Deque<List<Row>> sent = new ArrayDeque<>();
    private List<Row> piece = List.of();
    private FloatBuffer[] values = {};
    private int at;
    private int batch = BATCH;
    private boolean isOver;

    Results(Iterator<Row> rows) throws IOException {
      this.rows = rows;
      ObjectNode head = openHere(context.partitionId());
      if (head.get("options").has("batchSize")) batch = head.get("options").get("batchSize").asInt();
      worker = RowWorker.take(digest + open, command, head);
      context.addTaskCompletionListener((TaskCompletionListener) done -> end(false));
    }

    @Override
    public boolean hasNext() {
      if (at < piece.size()) return true;
      if (isOver) return false;
      try {
        while (sent.size() < AHEAD && rows.hasNext()) send();
        if (sent.isEmpty()) {
          end(true);
          return false;
        }
        receive();
        return true;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public Row next() {
      if (!hasNext()) throw new NoSuchElementException();
      Row row = piece.get(at);
      Object[] cells = new Object[own + blobs.length];
      for (int i = 0; i < own; i++) cells[i] = row.get(i);
      for (int b = 0; b < blobs.length; b++) {
        float[] blob = new float[values[b].capacity() / piece.size()];
        values[b].get(at * blob.length, blob);
        cells[own + b] = ArraySeq.unsafeWrapArray(blob);
      }
      at++;
      return RowFactory.create(cells);
    }

    private void send() throws IOException {
      List<Row> taken = new ArrayList<>();
      Iterator<Row> given = new Iterator<>() {
        @Override
        public boolean hasNext() {
          return rows.hasNext();
        }

        @Override
        public Row next() {
          Row row = rows.next();
          taken.add(row);
          Object[] cells = new Object[inputs.size()];
          for (int i = 0; i < cells.length; i++) cells[i] = row.get(own + i);
          return RowFactory.create(cells);
        }
      };
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      stream.writeBytes(schema);
      stream.writeBytes(arrow.batch(given, ArrowRows.ROWS, ArrowRows.BYTES, batch));
      worker.send(taken.size(), stream.toByteArray());
      sent.add(taken);
    }

    private void receive() throws IOException {
      Frames.Frame answer = worker.answer(context);
      piece = sent.remove();
      at = 0;
      batch = answer.head().get("batchSize").asInt();
      List<String> given = new ArrayList<>();
      for (JsonNode blob : answer.head().get("blobs")) given.add(blob.asText());
      values = new FloatBuffer[blobs.length];
      for (int b = 0; b < blobs.length; b++) {
        byte[] body = answer.bodies()[given.indexOf(blobs[b])];
        values[b] = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      }
    }

    private void end(boolean isWhole) {
      if (isOver) return;
      isOver = true;
      arrow.close();
      if (isWhole) worker.release();
      else worker.kill();
    }
  }
}
