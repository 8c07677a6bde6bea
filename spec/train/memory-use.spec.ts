import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect } from "chai";
import type { MemoryEvent } from "../../lib/train/events.js";
import { MemoryWatch } from "../../lib/train/memory-use.js";
import { type TrainReplicasOptions, train } from "../../lib/train/train.js";
import { freshFolder } from "../support/folder.js";
import { writeRestless } from "../support/training.js";

describe("measured memory of a training", () => {
  const folder = freshFolder();

  async function measured(options: Partial<TrainReplicasOptions>): Promise<readonly MemoryEvent[]> {
    const events: MemoryEvent[] = [];
    const solver = writeRestless(folder(), "max_iter: 4");
    for await (const event of train({ solver, ...options })) if (event.kind === "memory") events.push(event);
    return events;
  }

  it("is an event where it is asked for: this process's", async () => {
    expect(await measured({})).to.deep.equal([]);
    const [event, ...more] = await measured({ measureMemory: true });
    expect(more).to.deep.equal([]);
    expect(event!.processes).to.equal(1);
    const now = process.memoryUsage.rss();
    expect(event!.resident).to.be.within(now / 4, now * 4);
    expect(event!.device).to.equal(undefined);
  });

  it("has that of worker processes, until they are gone", async () => {
    const [event] = await measured({ measureMemory: true, workers: 2, isolation: "process" });
    expect(event!.processes).to.equal(3);
    // Node alone has more than that.
    expect(event!.resident).to.be.above(process.memoryUsage.rss() / 4 + 2 * 30 * 2 ** 20);
    expect((await measured({ measureMemory: true }))[0]!.processes).to.equal(1);
  });

  it("has that of GPUs where NVIDIA's program tells it, and waits for none that hangs", async () => {
    const before = process.env["PATH"];
    const bin = join(folder(), "bin");
    mkdirSync(bin);
    const tells = (script: string) => writeFileSync(join(bin, "nvidia-smi"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    tells('echo "$PPID, 512"; echo "$PPID, 64"; echo "1, 4096"; echo "[N/A], [N/A]"');
    const deviceOf = async (provider: string, patienceMs?: number) => {
      const watch = new MemoryWatch(provider, patienceMs);
      const found = [...watch.events(1)];
      for await (const event of watch.finish(2)) found.push(event);
      expect(found).to.have.length(1);
      return found[0]!.device;
    };
    process.env["PATH"] = `${bin}${delimiter}${before}`;
    try {
      expect(await deviceOf("cuda")).to.equal(576 * 2 ** 20);
      expect(await deviceOf("cpu")).to.equal(undefined);
      tells("exec sleep 60");
      expect(await deviceOf("cuda", 100)).to.equal(undefined);
    } finally {
      process.env["PATH"] = before;
    }
  });
});
