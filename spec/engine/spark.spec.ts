import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { sparkOf } from "../../lib/engine/spark/choice.js";
import { Cluster } from "../../lib/engine/spark/cluster.js";
import { type Frame, packFrame, readFrames } from "../../lib/engine/spark/frames.js";
import { launch } from "../../lib/engine/spark/launch.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";

describe("messages between Node and a JVM", () => {
  const frames: readonly Frame[] = [
    { head: { op: "hello", text: "äöü" }, bodies: [] },
    { head: { id: 1 }, bodies: [new Uint8Array([1, 2, 3]), new Uint8Array(), new Uint8Array(300).fill(7)] },
    { head: {}, bodies: [new Uint8Array([255])] },
  ];
  const bytes = Buffer.concat(frames.map(packFrame));

  const read = async (chunks: readonly Buffer[]) => {
    const all: Frame[] = [];
    for await (const { head, bodies } of readFrames(Readable.from(chunks)))
      all.push({ head, bodies: bodies.map((body) => new Uint8Array(body)) });
    return all;
  };

  it("have int32 numbers of their parts and of their lengths, big endian, before the parts", () => {
    const [, , third] = frames;
    expect([...packFrame(third!)]).to.deep.equal([0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0x7b, 0x7d, 255]);
  });

  it("are the same wherever the stream is cut", async () => {
    for (const size of [1, 3, 7, 64, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(await read(chunks)).to.deep.equal(frames);
    }
  });

  it("do not end within one", async () => {
    let message = "";
    await read([bytes.subarray(0, bytes.length - 1)]).catch((error: Error) => {
      message = error.message;
    });
    expect(message).to.equal("the stream ended within a message");
  });
});

describe("the connection to a JVM", () => {
  const folder = freshFolder();

  /** A cluster whose JVM is said what to do with each request. */
  async function withJvm(
    answer: (head: Frame["head"], socket: Socket) => void,
    use: (cluster: Cluster) => Promise<void>,
  ): Promise<void> {
    const server = createServer((socket) => {
      const serve = async () => {
        for await (const { head } of readFrames(socket)) answer(head, socket);
      };
      serve().catch(() => {});
    });
    server.listen(join(folder(), "socket"));
    await once(server, "listening");
    const socket = connect(join(folder(), "socket"));
    await using cluster = Cluster.of(socket, 200);
    await use(cluster);
    server.close();
  }

  it("ends where the JVM hangs, and whatever is awaited of it", async () => {
    const asked: unknown[] = [];
    const first = (head: Frame["head"], socket: Socket) => {
      if (asked.push(head) === 1) socket.write(packFrame({ head: { id: head["id"], cores: 3 }, bodies: [] }));
    };
    await withJvm(first, async (cluster) => {
      expect((await cluster.hello()).cores).to.equal(3);
      // Nothing is expected of it meanwhile.
      await setTimeout(500);
      expect(asked).to.have.length(1);
      const message = "the JVM of the Spark application hangs: it has said nothing in 0.2 s";
      await failure(cluster.hello(), message);
      await failure(cluster.openFrame("spark:parquet:x", 1, true), message);
    });
  });

  it("stays while a JVM that works for long says that it is there", async () => {
    let asked: number | undefined;
    const answer = (head: Frame["head"], socket: Socket) => {
      asked ??= head["id"] as number;
      // The answer comes long after those to other questions.
      const late = head["id"] === asked ? 700 : 0;
      void setTimeout(late).then(() => socket.write(packFrame({ head: { id: head["id"], cores: 5 }, bodies: [] })));
    };
    await withJvm(answer, async (cluster) => {
      expect((await cluster.hello()).cores).to.equal(5);
    });
  });

  it("leaves no file of an engine's workers", async () => {
    await withJvm(
      () => {},
      async (cluster) => {
        const worker = cluster.newId();
        const call = {
          name: "round",
          worker,
          replica: 0,
          replicas: 1,
          task: {},
          room: [],
          common: 1,
          store: -1,
          keep: -1,
        };
        const patience = { firstMs: 1, nextMs: 1, factor: 0 };
        const buffers = [new Float32Array(3), new Float32Array(2)];
        const answer = cluster.call({ ...call, buffers, patience, result: cluster.newPath(`result-${worker}`) });
        answer.catch(() => {});
        await setTimeout(20);
        expect(readdirSync(dirname(cluster.newPath("x"))).sort()).to.deep.equal([`common-${worker}`, `own-${worker}`]);
        cluster.leave([worker]);
        expect(readdirSync(dirname(cluster.newPath("x")))).to.deep.equal([]);
      },
    );
  });
});

describe("a Spark cluster that cannot be had", () => {
  const folder = freshFolder();
  const { PATH, SPARK_HOME, PYTHON } = process.env;
  afterEach(() => {
    for (const [name, value] of Object.entries({ PATH, SPARK_HOME, PYTHON })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  it("is asked for by its master", async () => {
    await failure(launch({}), "which cluster?\nnote: --master spark://HOST:7077 names one");
  });

  it("says that there is no Spark, and how to get one", async () => {
    delete process.env["SPARK_HOME"];
    process.env["PATH"] = "/bin-of-nobody";
    process.env["PYTHON"] = "/bin-of-nobody/python3";
    await failure(launch({ master: "local[1]" }), "there is no Spark on this machine\nnote: set SPARK_HOME");
  });

  it("says that a folder has none", async () => {
    await failure(
      launch({ master: "local[1]", sparkHome: folder() }),
      `${folder()}: there is no bin/spark-submit in this folder\nnote: set SPARK_HOME`,
    );
  });

  it("refuses properties without a value", () => {
    expect(() => sparkOf({ master: "local[1]", conf: ["spark.executor.memory"] })).to.throw(
      "--conf spark.executor.memory",
    );
    expect(sparkOf({ master: "local[1]", conf: ["a.b=c=d"] })).to.deep.include({ conf: { "a.b": "c=d" } });
    expect(sparkOf({})).to.equal(undefined);
  });
});
