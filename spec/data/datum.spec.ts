import { expect } from "chai";
import { create, encode } from "../../lib/caffe/message.js";
import type { Datum, Init } from "../../lib/caffe/messages.js";
import { columnsOf, type ImageColumn, type NumberColumn, notesOf } from "../../lib/data/source/columns.js";
import { DatumBatcher } from "../../lib/data/source/datum.js";

function batches(...datums: Init<Datum>[]): Record<string, NumberColumn | ImageColumn>[] {
  const batcher = new DatumBatcher();
  const all = datums.map((datum) => batcher.add(encode(create("Datum", datum))));
  return [...all, batcher.flush()].flatMap((batch) => (batch ? [columnsOf(batch)] : []));
}

const shape = { channels: 1, height: 1, width: 2 } as const;

describe("Datums", () => {
  it("of raw bytes are one column of bytes", () => {
    const [columns, ...rest] = batches(
      { ...shape, data: Uint8Array.of(1, 255), label: 3 },
      { ...shape, data: Uint8Array.of(0, 7), label: 300_000, encoded: false },
    );
    expect(rest).to.deep.equal([]);
    expect(columns!["data"]).to.deep.equal({ dtype: "uint8", shape: [1, 1, 2], values: Uint8Array.of(1, 255, 0, 7) });
    expect([...(columns!["label"] as NumberColumn).values]).to.deep.equal([3, 300_000]);
  });

  it("of floats are one column of floats, with negative labels too", () => {
    const [columns] = batches({ ...shape, float_data: [0.5, -2], label: -1 });
    expect(columns!["data"]).to.deep.equal({ dtype: "float32", shape: [1, 1, 2], values: Float32Array.of(0.5, -2) });
    expect([...(columns!["label"] as NumberColumn).values]).to.deep.equal([-1]);
  });

  it("that are encoded are a column of images", () => {
    const [columns] = batches({ encoded: true, data: Uint8Array.of(9) }, { encoded: true, data: Uint8Array.of(8, 7) });
    expect(columns!["data"]).to.deep.equal({
      dtype: "image",
      offsets: Int32Array.of(0, 1, 3),
      bytes: Uint8Array.of(9, 8, 7),
    });
  });

  it("of another shape or kind begin a new record batch", () => {
    const tall = { channels: 1, height: 2, width: 1, data: Uint8Array.of(1, 2) };
    const wide = { ...shape, data: Uint8Array.of(1, 2) };
    expect(batches(wide, tall, tall, wide, { ...shape, float_data: [1, 2] })).to.have.length(4);
  });

  it("fill record batches of bounded size", () => {
    const large = { channels: 1, height: 200, width: 1000, data: new Uint8Array(200_000), label: 0 };
    expect(batches(large, large, large)).to.have.length(3);
  });

  it("that are damaged or do not hold what their shape says are rows that are noted as failed", () => {
    const why = (bytes: Uint8Array): string | undefined => {
      const batcher = new DatumBatcher();
      batcher.add(bytes);
      return notesOf(batcher.flush()!).failures.get(0);
    };
    const bytes = encode(create("Datum", { ...shape, data: Uint8Array.of(1, 2) }));
    for (let end = 1; end < bytes.length; end++)
      expect(why(bytes.subarray(0, end)), String(end)).to.match(/^not a Datum message|^the Datum has/);
    const short = encode(create("Datum", { ...shape, data: Uint8Array.of(1) }));
    expect(why(short)).to.equal("the Datum has 1 bytes, its shape [1,1,2] wants 2");
    expect(why(bytes)).to.equal(undefined);
  });
});
