package netrun.spark;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.Dependency;
import org.apache.spark.OneToOneDependency;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;

/** Calls as an RDD: partition k is the call of replica k, on its executor, and beside it partition k of the data that it reads. */
final class Calls extends RDD<Answer> {
  private final int replicas;
  private final transient Map<Integer, Call> calls;
  private final List<RDD<byte[]>> data;

  Calls(SparkContext context, int replicas, Map<Integer, Call> calls, List<RDD<byte[]>> data) {
    super(context, CollectionConverters.asScala(dependencies(data)).toSeq(), ClassTag.apply(Answer.class));
    this.replicas = replicas;
    this.calls = calls;
    this.data = data;
  }

  private static List<Dependency<?>> dependencies(List<RDD<byte[]>> data) {
    List<Dependency<?>> all = new ArrayList<>();
    for (RDD<byte[]> each : data) all.add(new OneToOneDependency<>(each));
    return all;
  }

  /** A task carries the call of its own replica alone. */
  private record Part(int index, Call call, Partition[] data) implements Partition {
    @Override
    public int hashCode() {
      return index;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Part part && part.index == index;
    }
  }

  @Override
  public Partition[] getPartitions() {
    Partition[] parts = new Partition[replicas];
    for (int i = 0; i < replicas; i++) {
      Partition[] rows = new Partition[data.size()];
      for (int j = 0; j < rows.length; j++) rows[j] = data.get(j).partitions()[i];
      parts[i] = new Part(i, calls.get(i), rows);
    }
    return parts;
  }

  @Override
  public scala.collection.immutable.Seq<String> getPreferredLocations(Partition part) {
    Place place = ((Part) part).call.place;
    List<String> locations = place == null ? List.of() : List.of(place.location());
    return CollectionConverters.asScala(locations).toSeq();
  }

  @Override
  public scala.collection.Iterator<Answer> compute(Partition split, TaskContext context) {
    Part part = (Part) split;
    List<Iterator<byte[]>> rows = new ArrayList<>();
    for (int i = 0; i < data.size(); i++) {
      RDD<byte[]> parent = data.get(i);
      Partition its = part.data[i];
      // Read only where a worker opens it.
      rows.add(new Lazy(() -> CollectionConverters.asJava(parent.iterator(its, context))));
    }
    Answer answer = Worker.run(part.call, rows, context);
    return CollectionConverters.asScala(List.of(answer).iterator());
  }

  /** An iterator that is asked for when it is used. */
  private static final class Lazy implements Iterator<byte[]> {
    private final java.util.function.Supplier<Iterator<byte[]>> make;
    private Iterator<byte[]> rows;

    Lazy(java.util.function.Supplier<Iterator<byte[]>> make) {
      this.make = make;
    }

    private Iterator<byte[]> rows() {
      if (rows == null) rows = make.get();
      return rows;
    }

    @Override
    public boolean hasNext() {
      return rows().hasNext();
    }

    @Override
    public byte[] next() {
      return rows().next();
    }
  }
}
