import { ForwardReplica } from "../forward-replica.js";
import { Replica } from "../replica.js";
import type { Answer, Call, CallName, Calls } from "./host.js";

/** What a worker thread or process runs: one replica for as long as it lives, since sessions that come and go leak. */
let replica: Replica | undefined;
let forward: ForwardReplica | undefined;

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
    return opened(replica).train({ ...task, weights: weights!, history }, work, progress);
  },
  test({ net, batches, positions }, [weights]) {
    return opened(replica).test(net, weights!, batches, positions);
  },
  async openForward(plan, [weights]) {
    const before = forward;
    forward = undefined;
    await before?.[Symbol.asyncDispose]();
    forward = await ForwardReplica.open(plan, weights!.slice());
    return forward.lengths;
  },
  async forward({ batch }, buffers, progress) {
    await opened(forward).forward(batch, buffers);
    progress();
  },
};

/** Does what a call asks for. */
export async function handle<N extends CallName>(call: Call<N>, progress: () => void): Promise<Answer<N>> {
  const { name, task, buffers } = call;
  return { result: await handlers[name](task, buffers, progress), buffers };
}

/** What a call before has opened; a thread that ended between two calls is replaced by one that has nothing open. */
function opened<T>(what: T | undefined): T {
  if (!what) throw new Error("ended between two calls");
  return what;
}
