import { ForwardReplica } from "../forward-replica.js";
import { Replica } from "../replica.js";
import type { Call, CallName, Calls } from "./host.js";

/** Body of a worker thread or process: one replica for as long as it lives, since sessions that come and go leak. */
let replica: Replica | undefined;
let forward: ForwardReplica | undefined;

type Handlers = {
  readonly [N in CallName]: (
    task: Calls[N]["task"],
    call: Pick<Call<N>, "buffers" | "room">,
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
  async round({ work, from, store, keep }, { buffers: [weights, ...vectors] }, progress) {
    const trained = opened(replica);
    if (from && store !== undefined) await trained.restoreFrom(store, from);
    else if (from) await trained.restore(from, vectors);
    const report = await trained.round(weights!, work, progress);
    if (keep !== undefined) trained.keep(keep);
    return report;
  },
  async state(_, { room }) {
    return opened(replica).save(room);
  },
  test({ net, batches, positions }, { buffers: [weights] }) {
    return opened(replica).test(net, weights!, batches, positions);
  },
  async openForward(plan, { buffers: [weights] }) {
    const before = forward;
    forward = undefined;
    await before?.[Symbol.asyncDispose]();
    forward = await ForwardReplica.open(plan, weights!.slice());
    return forward.lengths;
  },
  async forward({ batch }, { room }, progress) {
    await opened(forward).forward(batch, room);
    progress();
  },
};

/** Does what a call asks for, in the memory of its buffers and room; its result. */
export function handle<N extends CallName>(call: Call<N>, progress: () => void): Promise<Calls[N]["result"]> {
  return handlers[call.name](call.task, call, progress);
}

/** State opened by an earlier call; a thread that ended between two calls is replaced by one that has nothing open. */
function opened<T>(what: T | undefined): T {
  if (!what) throw new Error("ended between two calls");
  return what;
}
