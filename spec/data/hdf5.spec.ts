import { join } from "node:path";
import { expect } from "chai";
import { columnsOf, type NumberColumn } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import { WHOLE } from "../../lib/data/source/source.js";
import { root } from "../support/shared.js";

describe("HDF5 files", () => {
  it("may hold numbers in half precision", async () => {
    await using source = await openSource(detectSource(join(root, "fixtures/data/half.h5")));
    const rows: number[] = [];
    for await (const batch of source.batches(WHOLE, 1)) rows.push(...(columnsOf(batch)["data"] as NumberColumn).values);
    expect(source.fields["data"]).to.deep.equal({ dtype: "float32", shape: [2] });
    expect(rows).to.deep.equal([2.25, 65504, 0, -8]);
  });
});
