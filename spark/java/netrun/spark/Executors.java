package netrun.spark;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.storage.BlockManagerId;
import scala.jdk.javaapi.CollectionConverters;

/** The executors that there are, why others went, and which workers live on which. */
final class Executors extends SparkListener {
  private final SparkContext context;
  private final Map<String, String> removed = new ConcurrentHashMap<>();
  private final Map<Long, Place> places = new ConcurrentHashMap<>();

  Executors(SparkContext context) {
    this.context = context;
    context.addSparkListener(this);
  }

  @Override
  public void onExecutorRemoved(SparkListenerExecutorRemoved event) {
    removed.put(event.executorId(), event.reason());
  }

  /** The executors that run now; in local mode the driver, which is one then. */
  List<Place> running() {
    List<Place> all = new ArrayList<>();
    for (BlockManagerId id : CollectionConverters.asJava(context.env().blockManager().master().getMemoryStatus().keySet()))
      if (!removed.containsKey(id.executorId())) all.add(Place.of(id));
    List<Place> others = all.stream().filter(place -> !place.isDriver()).toList();
    return others.isEmpty() && context.isLocal() ? all : others;
  }

  boolean isRunning(Place place) {
    return running().contains(place);
  }

  /** Why an executor went. */
  String reason(Place place) {
    String reason = removed.getOrDefault(place.executor(), "it does not answer");
    return "executor " + place.executor() + " on " + place.machine() + " was lost: " + reason.strip().replaceAll("\\s+", " ");
  }

  Place of(long worker) {
    return places.get(worker);
  }

  void put(long worker, Place place) {
    places.put(worker, place);
  }

  void remove(long worker) {
    places.remove(worker);
  }

  /** Chooses the executor with the fewest workers for a new one, of those that run; null where none runs. */
  synchronized Place choose(long worker) {
    Map<Place, Integer> load = load();
    Place best = least(load);
    if (best != null) places.put(worker, best);
    return best;
  }

  /** The executor with the fewest workers; the first by name of several. */
  private static Place least(Map<Place, Integer> load) {
    Comparator<Map.Entry<Place, Integer>> fewest = Map.Entry.comparingByValue();
    return load.entrySet().stream().min(fewest.thenComparing(entry -> entry.getKey().executor())).map(Map.Entry::getKey).orElse(null);
  }

  private Map<Place, Integer> load() {
    Map<Place, Integer> load = new HashMap<>();
    for (Place place : running()) load.put(place, 0);
    for (Place place : places.values()) load.computeIfPresent(place, (key, count) -> count + 1);
    return load;
  }

  /** The executor that a worker should move to, since its own has at least two more than that one; null for none. */
  synchronized Place better(long worker) {
    Map<Place, Integer> load = load();
    Place its = places.get(worker);
    if (its == null || !load.containsKey(its)) return null;
    Place least = least(load);
    return load.get(its) - load.get(least) >= 2 ? least : null;
  }
}
