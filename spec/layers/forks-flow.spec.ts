import { expectClose, noise, run } from "../support/forks.js";

describe("layers of optical flow, against plain loops", () => {
  const [a, b] = [noise(1, [2, 3, 2, 4]), noise(2, [2, 3, 2, 4])] as const;
  // Flow that is not known is no number.
  const unknown = { shape: b.shape, data: b.data.map((v, i) => (i % 5 === 0 ? Number.NaN : v)) };
  const difference = [...a.data].map((v, i) => v - unknown.data[i]!);
  const known = difference.filter((d) => !Number.isNaN(d));

  for (const [param, plateau, by] of [
    ["", 0, 2],
    ["plateau: 0.6", 0.6, 2],
    ["normalize_by_num_entries: true plateau: 0.6", 0.6, known.length / 3],
  ] as const) {
    it(`L1Loss of entries that are numbers, with "${param}"`, async () => {
      const counted = known.filter((d) => Math.abs(d) >= plateau);
      const [y] = await run(`type: "L1Loss" l1_loss_param { ${param} }`, [a, unknown]);
      expectClose(y, [], [counted.reduce((sum, d) => sum + Math.abs(d), 0) / by]);
    });
  }

  for (const [param, epsilon, plateau, per] of [
    ["", 0.01, 0, 1],
    ["l2_prescale_by_channels: true epsilon: 0.2 plateau: 0.8", 0.2, 0.8, 3],
  ] as const) {
    it(`L1Loss of lengths, with "${param}"`, async () => {
      let sum = 0;
      for (let n = 0; n < 2; n++)
        for (let place = 0; place < 8; place++) {
          const parts = [0, 1, 2].map((c) => difference[n * 24 + c * 8 + place]!).filter((d) => !Number.isNaN(d));
          const square = parts.reduce((total, d) => total + d * d, 0) / per;
          sum += Math.sqrt((square >= plateau ** 2 ? square : 0) + epsilon);
        }
      const [y] = await run(`type: "L1Loss" l1_loss_param { l2_per_location: true ${param} }`, [a, unknown]);
      expectClose(y, [], [sum / 2]);
    });
  }

  it("L1Loss of one bottom is its size", async () => {
    const [y] = await run(`type: "L1Loss"`, [a]);
    expectClose(y, [], [a.data.reduce((sum, v) => sum + Math.abs(v), 0) / 2]);
  });
});
