import { rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type FrameSpec, frameSpec } from "../data/source/spark.js";
import { packFrame, readFrames } from "../engine/spark/frames.js";
import { NetrunError } from "../error.js";
import { RowNet, type RowNetOptions } from "./row-net.js";

/**
 * The process of an executor of Spark's that runs a net over rows: spark/README.md describes its messages. Its argument is a folder of
 * its own, deleted when its input ends.
 */

/** Answers go here: whatever prints to the standard output must not get among them. */
const ANSWERS = 3;

/** The net to open with the first rows that come. */
interface OpenHead {
  readonly kind: "open";
  readonly options: RowNetOptions;
  /** Name of the rows in errors. */
  readonly rows: string;
  /** Description of the rows; of columns, the first ones tell where nothing is. */
  readonly frame: Partial<Pick<FrameSpec, "columns" | "shapes" | "missing">>;
}

/** Rows, as an Arrow stream in the body. */
interface RowsHead {
  readonly kind: "rows";
  readonly rows: number;
}

const folder = process.argv[2]!;
let wanted: OpenHead | undefined;
let net: RowNet | undefined;

function send(head: object, bodies: readonly Uint8Array[] = []): void {
  const bytes = packFrame({ head: { ...head }, bodies });
  for (let done = 0; done < bytes.length; ) done += writeSync(ANSWERS, bytes, done);
}

async function run({ rows }: RowsHead, stream: Uint8Array): Promise<void> {
  const path = join(folder, "rows.arrow");
  writeFileSync(path, stream);
  net ??= await open(wanted!, path, rows);
  const blobs = Object.entries(await net.run({ path, rows }));
  send(
    { kind: "result", batchSize: net.batchSize, blobs: blobs.map(([name]) => name) },
    blobs.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
}

function open({ options, rows: name, frame }: OpenHead, path: string, rows: number): Promise<RowNet> {
  const given = { frame: name, id: 0, path, rows, unusable: {}, ...frame };
  const { columns } = frame;
  return RowNet.open(options, columns ? { ...given, columns } : frameSpec({ ...given, texts: {} }));
}

// A terminal sends its signals to all processes of a run: what they mean is for the driver to decide.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});

for await (const { head, bodies } of readFrames(process.stdin)) {
  const message = head as unknown as OpenHead | RowsHead;
  try {
    if (message.kind === "rows") await run(message, bodies[0]!);
    else {
      const before = net;
      net = undefined;
      await before?.[Symbol.asyncDispose]();
      wanted = message;
    }
  } catch (error) {
    const text = error instanceof NetrunError ? error.format() : String((error as Error).stack ?? error);
    send({ kind: "error", message: text, isUsers: error instanceof NetrunError });
  }
}
rmSync(folder, { recursive: true, force: true });
process.exit(0);
