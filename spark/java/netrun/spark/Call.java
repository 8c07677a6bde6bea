package netrun.spark;

import java.io.Serializable;

/** A call of a replica's worker: what a task carries. */
final class Call implements Serializable {
  final long id;
  /** The worker: each takes the place of another one that was lost, and has a number of its own. */
  final long worker;
  final int replica;
  final String name;
  /** The head for the worker, JSON: lengths of vectors. */
  final String head;
  final byte[] body;
  /** Vectors that all replicas get, and those for this one; null where there are none. */
  final Vectors common;
  final Vectors own;
  /** Ids of the state to set before and of the one to keep after; negative for none. */
  final long store;
  final long keep;
  /** Bytes of a state up to which the driver takes the second copy, in place of another executor. */
  final long driverKeeps;
  /** How long its first iteration may take, and another one: that, or so many times the slowest before. */
  final Patience patience;
  final String[] command;
  /** Names of the data sets whose partitions it reads. */
  final String[] data;
  /** Where its worker is, or should start; null for anywhere. */
  final Place place;

  Call(long id, long worker, int replica, String name, String head, byte[] body, Vectors common,
      Vectors own, long store, long keep, long driverKeeps, Patience patience, String[] command, String[] data, Place place) {
    this.id = id;
    this.worker = worker;
    this.replica = replica;
    this.name = name;
    this.head = head;
    this.body = body;
    this.common = common;
    this.own = own;
    this.store = store;
    this.keep = keep;
    this.driverKeeps = driverKeeps;
    this.patience = patience;
    this.command = command;
    this.data = data;
    this.place = place;
  }

  /** Milliseconds that an iteration may take. */
  record Patience(long firstMs, long nextMs, double factor) implements Serializable {
    long of(int iterations, double slowestMs) {
      return iterations == 0 ? firstMs : Math.max(nextMs, (long) (factor * slowestMs));
    }
  }

  /** Whether it starts the worker where there is none. */
  boolean opens() {
    return name.startsWith("open");
  }
}
