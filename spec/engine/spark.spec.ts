import { Readable } from "node:stream";
import { expect } from "chai";
import { sparkOf } from "../../lib/engine/spark/choice.js";
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
