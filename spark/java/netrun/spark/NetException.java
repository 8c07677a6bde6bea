package netrun.spark;

/** What netrun says of a net or its rows: file, line and reason, as on the command line. */
public final class NetException extends RuntimeException {
  private static final long serialVersionUID = 1;

  NetException(String message) {
    super(message);
  }
}
