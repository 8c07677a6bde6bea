package netrun.spark;

import java.io.Serializable;
import org.apache.spark.SparkEnv;
import org.apache.spark.storage.BlockManagerId;

/** An executor and the machine that it runs on. */
record Place(String executor, String machine) implements Serializable {
  /** The place of this JVM; null where Spark is stopping in it. */
  static Place here() {
    SparkEnv env = SparkEnv.get();
    return env == null || env.blockManager() == null ? null : of(env.blockManager().blockManagerId());
  }

  static Place of(BlockManagerId id) {
    return new Place(id.executorId(), id.host());
  }

  /** Whether it is the driver, which runs tasks in local mode only. */
  boolean isDriver() {
    return executor.equals("driver");
  }

  /** The place as a preferred location of a task. */
  String location() {
    return isDriver() ? machine : "executor_" + machine + "_" + executor;
  }
}
