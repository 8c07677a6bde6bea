package netrun.spark;

import java.io.Serializable;

/** The outcome of a call. */
final class Answer implements Serializable {
  static final byte[] NONE = {};

  /** ok: a result; error: what the replica threw; lost: the worker has ended; absent: it is not on this executor; failed: no other worker can go on. */
  enum Status { OK, ERROR, LOST, ABSENT, FAILED }

  final Status status;
  /** Who answers; null for nobody. */
  final String executor;
  final String machine;
  final String reason;
  final byte[] body;
  /** The vectors that came back; null for none. */
  final Vectors vectors;
  final double slowestMs;
  final int iterations;
  final long pid;
  /** Milliseconds on the executor: until the worker had its call, its call, and storing what came back. */
  double readyMs;
  double callMs;
  double storeMs;
  /** Bytes of the state that was kept. */
  long keptBytes;

  /** An answer of this executor's. */
  Answer(Status status, String reason, byte[] body, Vectors vectors, double slowestMs, int iterations, long pid) {
    this(Place.here(), status, reason, body, vectors, slowestMs, iterations, pid);
  }

  private Answer(Place place, Status status, String reason, byte[] body, Vectors vectors, double slowestMs, int iterations, long pid) {
    this.status = status;
    this.executor = place == null ? null : place.executor();
    this.machine = place == null ? null : place.machine();
    this.reason = reason;
    this.body = body;
    this.vectors = vectors;
    this.slowestMs = slowestMs;
    this.iterations = iterations;
    this.pid = pid;
  }

  static Answer absent() {
    return new Answer(Status.ABSENT, "", NONE, null, 0, 0, 0);
  }

  /** The outcome of a call that no executor has answered. */
  static Answer ofNobody(Status status, String reason) {
    return new Answer(null, status, reason, NONE, null, 0, 0, 0);
  }

  static Answer lost(String reason, long pid) {
    return new Answer(Status.LOST, reason, NONE, null, 0, 0, pid);
  }
}
