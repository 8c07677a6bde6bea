import { expect } from "chai";
import { orderOf, shufflePlan } from "../../lib/data/shuffle/shuffle-plan.js";
import { shuffledSource } from "../../lib/data/shuffle/shuffled.js";
import { columnsOf, type NumberColumn, recordBatch } from "../../lib/data/source/columns.js";
import { type DataSource, shardRange, WHOLE } from "../../lib/data/source/source.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

describe("the order of a shuffled epoch", () => {
  const rowsOf = (source: Pick<DataSource, "length" | "parts" | "groups">, rowBytes: number, epoch = 0) => {
    const order = orderOf(shufflePlan(source, 1, rowBytes), epoch);
    return { ...order, rows: range(source.length).map((i) => order.row(i)) };
  };

  it("has every row once, however many windows there are", () => {
    for (const rowBytes of [1, 10_000, 100_000, 30_000_000]) {
      const { rows } = rowsOf({ length: 700 }, rowBytes);
      expect(ascending(rows), String(rowBytes)).to.deep.equal(range(700));
      expect(rows).to.not.deep.equal(range(700));
    }
  });

  it("mixes what fits a window as a whole", () => {
    expect(rowsOf({ length: 700 }, 10_000).windows).to.have.length(1);
  });

  it("holds no more than a window's rows at a time, from at least eight places", () => {
    const { windows } = rowsOf({ length: 700 }, 200_000);
    for (const { blocks, rows } of windows.slice(0, -1)) {
      expect(rows * 200_000).to.be.at.most(16 * 2 ** 20);
      expect(blocks.length).to.be.at.least(8);
    }
  });

  it("reads parts as wholes", () => {
    const parts = [100, 1, 50, 400, 149];
    const ends = [100, 101, 151, 551, 700];
    for (const { blocks } of rowsOf({ length: 700, parts }, 200_000).windows)
      for (const { start, end } of blocks)
        expect([start === 0 || ends.includes(start), ends.includes(end)]).to.deep.equal([true, true]);
  });

  it("keeps the rows of a group together, and puts the groups in another order in each epoch", () => {
    const groups = [3, 4, 5, 6];
    const groupOf = (row: number): number => [3, 7, 12, 18].findIndex((end) => row < end);
    const orders = range(6).map((epoch) => {
      const inGroups = rowsOf({ length: 18, groups }, 100, epoch).rows.map(groupOf);
      const runs = inGroups.filter((group, i) => group !== inGroups[i - 1]);
      expect(ascending(runs)).to.deep.equal([0, 1, 2, 3]);
      return runs.join();
    });
    expect(new Set(orders).size).to.be.above(1);
  });
});

describe("a shuffled source", () => {
  /** 300 rows of 200 kB that are made when they are read, and how many are asked for at most at a time. */
  const large = (): DataSource => ({
    length: 300,
    fields: { data: { dtype: "float32", shape: [50_000] }, x: { dtype: "int32", shape: [] } },
    async *batches(shard, from = 0) {
      const { start, end } = shardRange(shard, 300);
      for (let i = start + from; i < end; i += 2) {
        const rows = Math.min(2, end - i);
        const data = { dtype: "float32", shape: [50_000], values: new Float32Array(rows * 50_000).fill(i) } as const;
        yield recordBatch(
          { data, x: { dtype: "int32", shape: [], values: Int32Array.of(i, i + 1).subarray(0, rows) } },
          rows,
        );
      }
    },
    locate: (index) => `row ${index}`,
    async [Symbol.asyncDispose]() {},
  });

  it("of several windows gives whole rows, each once, resumes anywhere and names them", async () => {
    await using source = await shuffledSource(large(), 9);
    const read = async (from: number): Promise<number[]> => {
      const rows: number[] = [];
      for await (const batch of source.batches(WHOLE, from, 2)) {
        const { x, data } = columnsOf(batch) as Record<string, NumberColumn>;
        for (let i = 0; i < batch.numRows; i++) {
          // Rows are made in pairs, of the even number's values.
          expect(data!.values[i * 50_000 + 49_999]).to.equal(x!.values[i]! & ~1);
          rows.push(x!.values[i]!);
        }
      }
      return rows;
    };
    const whole = await read(0);
    expect(ascending(whole)).to.deep.equal(range(300));
    for (const from of [1, 80, 170, 299]) expect(await read(from)).to.deep.equal(whole.slice(from));
    for (const i of [0, 100, 299]) expect(await source.locate(i, 2)).to.equal(`row ${whole[i]}`);
  });
});
