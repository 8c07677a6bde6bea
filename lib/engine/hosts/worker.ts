import { ForwardReplica } from "../forward-replica.js";
import { Replica } from "../replica.js";
import type { Answer, Call, CallName, Calls } from "./host.js";

/** What a worker thread or process runs: one replica for as long as it lives, since sessions that come and go leak. */
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
  async round({ work, from }, { buffers, room }, progress) {
    const [weights, ...vectors] = buffers;
    const trained = opened(replica);
    if (from) await trained.restore(from, vectors);
    const report = await trained.round(weights!, work, progress);
    if (room.length > 0) trained.save(room);
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

/** Does what a call asks for. */
export async function handle<N extends CallName>(call: Call<N>, progress: () => void): Promise<Answer<N>> {
  const { name, task, buffers, room } = call;
  return { result: await handlers[name](task, call, progress), buffers, room };
}

/** What a call before has opened; a thread that ended between two calls is replaced by one that has nothing open. */
function opened<T>(what: T | undefined): T {
  if (!what) throw new Error("ended between two calls");
  return what;
}
