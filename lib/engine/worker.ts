import type { Answer, Call, CallName, Calls } from "./host.js";
import { Replica } from "./replica.js";

/** What a worker thread or process runs: one replica for as long as it lives, since sessions that come and go leak. */
let replica: Replica | undefined;

type Handlers = {
  readonly [N in CallName]: (
    task: Calls[N]["task"],
    buffers: readonly Float32Array[],
    progress: () => void,
  ) => Promise<Calls[N]["result"]>;
};

const handlers: Handlers = {
  async open(plan) {
    const before = replica;
    replica = undefined;
    await before?.[Symbol.asyncDispose]();
    replica = await Replica.open(plan);
    return replica.info;
  },
  train({ work, ...task }, [weights, ...history], progress) {
    return opened().train({ ...task, weights: weights!, history }, work, progress);
  },
  test({ net, batches, positions }, [weights]) {
    return opened().test(net, weights!, batches, positions);
  },
};

/** Does what a call asks for. */
export async function handle<N extends CallName>(call: Call<N>, progress: () => void): Promise<Answer<N>> {
  const { name, task, buffers } = call;
  return { result: await handlers[name](task, buffers, progress), buffers };
}

function opened(): Replica {
  if (!replica) throw new Error("open a plan first");
  return replica;
}
