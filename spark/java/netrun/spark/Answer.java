package netrun.spark;

import java.io.Serializable;

/** The outcome of a call. */
final class Answer implements Serializable {
  static final byte[] NONE = {};

  /** ok: a result; error: what the replica threw; lost: the worker has ended; absent: it is not on this executor; failed: no other worker can go on. */
  enum Status { OK, ERROR, LOST, ABSENT, FAILED }

  final Status status;
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

  Answer(Status status, String reason, byte[] body, Vectors vectors, double slowestMs, int iterations, long pid) {
    Place here = Place.here();
    this.status = status;
    this.executor = here.executor();
    this.machine = here.machine();
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

  static Answer lost(String reason, long pid) {
    return new Answer(Status.LOST, reason, NONE, null, 0, 0, pid);
  }
}
