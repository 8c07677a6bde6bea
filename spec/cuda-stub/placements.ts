/** Places of a model's nodes. */
export interface Placement {
  readonly cuda: number;
  /** Op types on the CPU, each node's. */
  readonly cpu: readonly string[];
  /** Nodes that copy between the two. */
  readonly copies: number;
}

/** The text or lines of each task of `place.js`, by its name. */
export function byTask(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const parts = new Map<string, string[]>();
  let part: string[] = [];
  for (const line of lines) {
    const [, name] = /^=== (?!run |end$|created$)(.*)/.exec(line) ?? [];
    if (name !== undefined) {
      part = [];
      parts.set(name, part);
    } else part.push(line);
  }
  return parts;
}

/** The placement that onnxruntime logs at its most talkative when it makes a session; undefined where it made none. */
export function placementOf(log: readonly string[]): Placement | undefined {
  const start = log.findIndex((line) => line.includes("Node placements"));
  const end = log.indexOf("=== created");
  if (end < 0) return undefined;
  let cuda = 0;
  let copies = 0;
  const cpu: string[] = [];
  let isCpu = false;
  for (const line of start < 0 ? [] : log.slice(start, end)) {
    const [, provider, count] = /placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(line) ?? [];
    if (provider !== undefined) {
      isCpu = provider === "CPUExecutionProvider";
      if (!isCpu) cuda += Number(count);
      continue;
    }
    const [, op] = /VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \(/.exec(line) ?? [];
    if (op === undefined) continue;
    if (/^Memcpy/.test(op)) copies++;
    else if (isCpu) cpu.push(op);
  }
  return { cuda, cpu, copies };
}

/** Traffic of a run: bytes and copies up and down, how often the host waited, and what was started. */
export interface Traffic {
  readonly up: number;
  readonly down: number;
  readonly copiesUp: number;
  readonly copiesDown: number;
  readonly waits: number;
  readonly launches: number;
  /** Bytes of the inputs that have a row for each batch or iteration. */
  readonly fed: number;
}

/** The traffic of each run of a task, by its iterations. */
export function trafficOf(calls: readonly string[]): ReadonlyMap<number, Traffic> {
  const runs = new Map<number, Traffic>();
  let run: { -readonly [K in keyof Traffic]: number } | undefined;
  for (const call of calls) {
    const [word, what, bytes] = call.split(" ");
    if (call.startsWith("=== run ")) {
      run = { up: 0, down: 0, copiesUp: 0, copiesDown: 0, waits: 0, launches: 0, fed: Number(call.split(" ")[3]) };
      runs.set(Number(call.split(" ")[2]), run);
    } else if (call === "=== end") run = undefined;
    if (!run) continue;
    if (word === "COPY" && what === "H2D") {
      run.up += Number(bytes);
      run.copiesUp++;
    }
    if (word === "COPY" && what === "D2H") {
      run.down += Number(bytes);
      run.copiesDown++;
    }
    if (word === "SYNC") run.waits++;
    if (word === "KERNEL" || word === "CALL") run.launches++;
  }
  return runs;
}
