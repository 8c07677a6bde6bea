import { expect } from "chai";
import { failure } from "../support/failure.js";
import { openLayer } from "../support/feed.js";

describe("DummyData", () => {
  const gaussian = { type: "gaussian", std: 1 };

  it("fills constant tops once and others anew, the same for the same seed and position", async () => {
    const layer = {
      type: "DummyData",
      dummy_data_param: { shape: [{ dim: [2, 3] }], data_filler: [gaussian, { type: "constant", value: 2 }] },
    };
    await using feed = await openLayer(layer);
    const [first, second] = [await feed.next(), await feed.next()];
    expect(first["data"]!.data).to.not.deep.equal(second["data"]!.data);
    expect(first["label"]).to.equal(second["label"]);
    await feed.seek(2);
    expect((await feed.next())["data"]).to.deep.equal(second["data"]);
  });

  it("takes the old num, channels, height and width", async () => {
    const dummy_data_param = { num: [2, 4], channels: [3], height: [1], width: [5] };
    await using feed = await openLayer({ type: "DummyData", dummy_data_param });
    expect(feed.shapes).to.deep.equal({ data: [2, 3, 1, 5], label: [4, 3, 1, 5] });
  });

  it("refuses shapes and fillers that are neither one nor one for each top", async () => {
    const shape = { dim: [1] };
    const open = (dummy_data_param: object) => openLayer({ type: "DummyData", top: ["a", "b", "c"], dummy_data_param });
    await failure(open({ shape: [shape, shape] }), "give it once for all tops, or once for each");
    await failure(open({ shape: [shape], data_filler: [gaussian, gaussian] }), "2 data_filler for 3 tops");
    await failure(open({ shape: [shape], num: [1] }), "give shape, or num, channels, height and width, not both");
  });
});
