import { rmSync } from "node:fs";
import type { KeptState, RemoteStates } from "../state-store.js";
import { VectorFile } from "../vector-file.js";
import type { Cluster } from "./cluster.js";

/** The kept states of one replica as blocks on the cluster, each in two places where there are two executors. */
export class SparkStates implements RemoteStates {
  readonly #cluster: Cluster;
  readonly #replica: number;

  constructor(cluster: Cluster, replica: number) {
    this.#cluster = cluster;
    this.#replica = replica;
  }

  newState(): KeptState {
    const block = this.#cluster.newId();
    return {
      place: { block },
      read: async (vectors) => {
        const path = await this.#cluster.readBlock(this.#replica, block);
        const file = new VectorFile(path, false);
        file.read(vectors);
        file.close();
        rmSync(path);
      },
      delete: () => this.#cluster.forget(this.#replica, [block]),
    };
  }
}
