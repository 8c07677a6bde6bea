import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  Field,
  Float16,
  Float32,
  Int16,
  List,
  Table,
  Timestamp,
  TimeUnit,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { columnsOf, type NumberColumn } from "../../lib/data/source/columns.js";
import { detectSource } from "../../lib/data/source/detect.js";
import { openSource } from "../../lib/data/source/open.js";
import { type DataSource, WHOLE } from "../../lib/data/source/source.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { Net } from "../../lib/index.js";
import { cacheIn } from "../support/cache.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { withMaxAlloc } from "../support/limit.js";
import { root } from "../support/shared.js";

/** All values of each field. */
async function read(source: DataSource): Promise<Record<string, number[]>> {
  const all: Record<string, number[]> = {};
  for await (const batch of source.batches(WHOLE))
    for (const [name, column] of Object.entries(columnsOf(batch)) as [string, NumberColumn][]) {
      all[name] ??= [];
      all[name].push(...column.values);
    }
  return all;
}

describe("rows without an end", () => {
  const folder = freshFolder();

  it("are refused at the first text that is one too many to be a label", async () => {
    function* rows() {
      for (let i = 0; ; i++) yield { t: `text ${i}` };
    }
    await failure(saveRows(join(folder(), "x.arrow"), rows()), 'column "t" has too many different texts to be labels');
    expect(readdirSync(folder())).to.deep.equal([]);
  });
});

describe("a CSV file's texts", () => {
  cacheIn(freshFolder());
  const folder = freshFolder();
  const read = async (text: string) => {
    const path = join(folder(), "x.csv");
    writeFileSync(path, text);
    return openSource(detectSource(path));
  };

  it("are a column's labels wherever the first of them stands, numbers among them", async () => {
    await using source = await read("a,b\n1,x\n2,2\nu,y\nv,y\nw,x\n");
    expect(source.labels).to.deep.equal({ a: ["1", "2", "u", "v", "w"], b: ["2", "x", "y"] });
  });

  it("of columns of numbers are not kept, and of others as many as there is room for", async () => {
    const rows = (cell: (i: number) => string) => Array.from({ length: 2000 }, (_, i) => `${cell(i)}\n`).join("");
    await withMaxAlloc("100K", async () => {
      await using source = await read(`a\n${rows(String)}`);
      expect(source.length).to.equal(2000);
      await failure(read(`a\n${rows((i) => `t${i}`)}`), "different texts or more would take 100.1 KiB");
    });
  });
});

describe("a CSV file of 30,000 columns", () => {
  cacheIn(freshFolder());
  const folder = freshFolder();

  it("is read where a label makes the others one field, and refused where each would be one", async () => {
    const path = join(folder(), "wide.csv");
    writeFileSync(path, Array(2).fill(Array(30_000).fill("1").join()).join("\n"));
    await failure(openSource(detectSource(path)), "30000 columns, more than the 10000 that can be fields of their own");
    await using source = await openSource(detectSource(`${path}?label=0`));
    expect(source.fields["data"]!.shape).to.deep.equal([29_999]);
  }).timeout(20_000);
});

describe("tables", () => {
  const folder = freshFolder();
  cacheIn(folder);
  const put = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder(), name), content);
    return join(folder(), name);
  };
  const open = async (name: string): Promise<DataSource> => openSource(detectSource(name));

  describe("CSV", () => {
    it("gathers all columns but the label into data, and numbers the label's texts in their order", async () => {
      const path = put("iris.csv", "a,b,kind\n1,2,rose\n3,4,iris\n");
      await using source = await open(`${path}?label=kind`);
      expect(source.labels).to.deep.equal({ label: ["iris", "rose"] });
      expect(await read(source)).to.deep.equal({ data: [1, 2, 3, 4], label: [1, 0] });
    });

    it("takes the label by number, from the end too, and rows without names", async () => {
      const path = put("plain.csv", "5,1,2\n6,3,4\n");
      for (const label of ["0", "-3"]) {
        await using source = await open(`${path}?label=${label}`);
        expect(await read(source)).to.deep.equal({ data: [1, 2, 3, 4], label: [5, 6] });
      }
    });

    it("makes each column a field where there is no label", async () => {
      await using source = await open(put("xy.tsv.gz", gzipSync("x\ty\n1\t2\n3\t4\n")));
      expect(await read(source)).to.deep.equal({ x: [1, 3], y: [2, 4] });
    });

    it("takes semicolons between cells for what they are", async () => {
      await using source = await open(put("semi.csv", "x;y\n1;2\n3;4\n"));
      expect(await read(source)).to.deep.equal({ x: [1, 3], y: [2, 4] });
    });

    it("takes booleans among data for 1 and 0, and white space around cells for none of them", async () => {
      await using source = await open(put("flags.csv", "x,label\nTrue, cat \nfalse,cat\n"));
      expect(source.labels).to.deep.equal({ label: ["cat"] });
      expect(await read(source)).to.deep.equal({ data: [1, 0], label: [0, 0] });
    });

    it("names line and column of a missing value, or fills it in", async () => {
      const path = put("holes.csv", "x,y\n1,2\n,4\n");
      await failure(open(path), 'line 3: column "x" has a missing value');
      await using source = await open(`${path}?missing=-1`);
      expect(await read(source)).to.deep.equal({ x: [1, -1], y: [2, 4] });
    });

    it("refuses rows of another length, texts among data, unknown labels and unknown options", async () => {
      await failure(open(put("ragged.csv", "x,y\n1,2\n3\n")), "ragged.csv: line 3: 1 cells, where the first row has 2");
      const path = put("texts.csv", "x,name\n1,Ann\n2,Bob\n");
      await failure(open(`${path}?label=x`), 'column "name" holds texts, and only numbers can be data');
      await failure(open(`${path}?label=nam`), 'did you mean "name"?');
      expect(() => detectSource(`${path}?lable=x`)).to.throw('there is no option "lable"');
    });

    it("is converted to a file that goes when it was not used for a month", async () => {
      const old = join(folder(), `spool-${"0".repeat(24)}.arrow`);
      const used = join(folder(), `spool-${"1".repeat(24)}.arrow`);
      const days = (n: number): Date => new Date(Date.now() - n * 24 * 3600 * 1000);
      for (const [path, age] of [
        [old, 31],
        [used, 29],
      ] as const) {
        writeFileSync(path, "");
        utimesSync(path, days(age), days(age));
      }
      await using _ = await open(put("new.csv", "x,label\n1,2\n"));
      expect([existsSync(old), existsSync(used)]).to.deep.equal([false, true]);
    });

    it("is converted again when the file changes", async () => {
      const path = put("changes.csv", "x\n1\n");
      await using before = await open(path);
      expect(await read(before)).to.deep.equal({ x: [1] });
      put("changes.csv", "x\n1\n2\n");
      await using after = await open(path);
      expect(await read(after)).to.deep.equal({ x: [1, 2] });
    });
  });

  describe("Parquet", () => {
    for (const codec of ["snappy", "gzip", "zstd"])
      it(`reads pages that are compressed by ${codec}, and nested lists as tensors`, async () => {
        await using source = await open(join(root, `fixtures/data/${codec}.parquet`));
        expect(source.fields["m"]).to.deep.equal({ dtype: "float32", shape: [2, 2] });
        expect(source.labels).to.deep.equal({ label: ["a", "b", "c"] });
        expect(await read(source)).to.deep.equal({
          x: [0, 1, 2, 1, 1, 2, 2, 1, 2, 3, 1, 2],
          m: [0, 1, 2, 3, 1, 1, 2, 3, 2, 1, 2, 3, 3, 1, 2, 3],
          label: [1, 0, 1, 2],
        });
      });
  });

  describe("text", () => {
    it("numbers tokens by frequency, fills up with 0 and cuts off", async () => {
      await using source = await open(`${put("t.txt", "b a, a!\nc\n")}?length=3&tokens=4`);
      // a is the most frequent (2), then "!" by code unit (3); all others are 1.
      expect(await read(source)).to.deep.equal({ data: [1, 2, 1, 1, 0, 0] });
    });

    it("hashes tokens into the numbers from 1 on", async () => {
      await using source = await open(`${put("t.txt", "b a b\n")}?length=4&tokens=50&hash=true`);
      const { data } = await read(source);
      expect(data![0]).to.equal(data![2]);
      expect(data!.slice(0, 3).every((token) => token > 0 && token < 50)).to.equal(true);
    });

    it("refuses classes in some lines only", async () => {
      await failure(
        open(put("t.txt", "spam\tbuy\nhello\n")),
        "t.txt: line 2: no class before a tab, where other lines have one",
      );
    });
  });

  describe("Arrow files of other programs", () => {
    it("returns lists as tensors, texts as labels, and skips columns that a net cannot use", async () => {
      const table = new Table({
        list: vectorFromArray(
          [
            [1, 2],
            [3, 4],
          ],
          new List(new Field("item", new Int16())),
        ),
        text: vectorFromArray(["b", "a"], new Utf8()),
        when: vectorFromArray([0, 1000], new Timestamp(TimeUnit.SECOND)),
        flag: vectorFromArray([true, false]),
      });
      await using source = await open(put("other.arrow", tableToIPC(table, "stream")));
      expect(source.unusable).to.deep.equal({ when: "it holds times (Timestamp<SECOND>)" });
      expect(source.labels).to.deep.equal({ text: ["a", "b"] });
      expect(source.fields["list"]).to.deep.equal({ dtype: "float32", shape: [2] });
      expect(await read(source)).to.deep.equal({ list: [1, 2, 3, 4], text: [1, 0], flag: [1, 0] });
    });

    it("names row, column and what was wanted where lists differ in length or values are missing", async () => {
      const type = new List(new Field("item", new Int16()));
      await using ragged = await open(
        put("ragged.arrow", tableToIPC(new Table({ list: vectorFromArray([[1, 2], [3]], type) }), "file")),
      );
      await failure(read(ragged), 'row 1: column "list" has 1 values\nnote: a tensor of the shape [2] was wanted');
      await using holes = await open(
        put("holes.arrow", tableToIPC(new Table({ x: vectorFromArray([1, null]) }), "file")),
      );
      await failure(read(holes), 'row 1: column "x" has a missing value\nnote: a number was wanted');
    });

    for (const codec of ["lz4", "zstd"])
      it(`reads buffers that are compressed by ${codec}`, async () => {
        await using source = await open(join(root, `fixtures/data/${codec}.arrow`));
        const { x } = await read(source);
        expect(x).to.deep.equal(Array.from({ length: 20_000 }, (_, i) => Math.floor(i / 1000)));
      });

    it("reads lists in half precision, and reports values that are missing in lists", async () => {
      const half = vectorFromArray([[1, -0.5]], new List(Field.new("", new Float16())));
      const holes = vectorFromArray([[3, null]], new List(Field.new("", new Float32(), true)));
      const path = put("lists.arrow", tableToIPC(new Table({ half }), "file"));
      await using source = await open(path);
      expect(await read(source)).to.deep.equal({ half: [1, -0.5] });
      const gaps = put("gaps.arrow", tableToIPC(new Table({ holes }), "file"));
      await using filled = await open(`${gaps}?missing=9`);
      expect(await read(filled)).to.deep.equal({ holes: [3, 9] });
      await using strict = await open(gaps);
      await failure(read(strict), `row 0: column "holes" has a missing value`);
    });

    it("names column, type and the wanted shape where a blob's own column is nothing for a net", async () => {
      const times = vectorFromArray([0, 1000], new Timestamp(TimeUnit.SECOND));
      const texts = vectorFromArray(["a", "b"], new Utf8());
      const label = vectorFromArray([0, 1], new Int16());
      const net = (path: string) =>
        Net.load(
          'layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }',
          {
            data: path,
          },
        );
      const wrong = put("times.arrow", tableToIPC(new Table({ data: times, label }), "file"));
      await failure(
        net(wrong),
        'column "data" is no field: it holds times (Timestamp<SECOND>), and the blob "data" wants rows of [3]',
      );
      const words = put("texts.arrow", tableToIPC(new Table({ data: texts, label }), "file"));
      await failure(
        net(words),
        'column "data" holds texts, which are indices of labels, [], and the blob "data" wants rows of [3]',
      );
    });

    it("refuses a cut-off file", async () => {
      const bytes = tableToIPC(new Table({ x: vectorFromArray([1, 2, 3]) }), "file");
      for (const end of [10, 100, bytes.length - 1]) {
        const path = put("cut.arrow", bytes.subarray(0, end));
        await failure(openSource({ kind: "arrow", path }), "not an Arrow file, or damaged");
      }
    });
  });

  describe("rows of the API", () => {
    it("have the first row's fields; labels are given", async () => {
      const path = join(folder(), "rows.arrow");
      const rows = [
        { data: new Uint8Array(3).fill(2), label: "no", w: 1n },
        { data: Uint8Array.of(1, 2, 3), label: "yes", w: 2n },
      ];
      await saveRows(path, rows, { label: ["yes", "no"] });
      await using source = await open(path);
      expect(source.labels).to.deep.equal({ label: ["yes", "no"] });
      expect(await read(source)).to.deep.equal({ data: [2, 2, 2, 1, 2, 3], label: [1, 0], w: [1, 2] });
    });

    it("have texts that become indices into their different texts, sorted", async () => {
      const path = join(folder(), "rows.arrow");
      expect(await saveRows(path, [{ name: "Cy" }, { name: "Ann" }, { name: "Bob" }, { name: "Ann" }])).to.equal(4);
      await using source = await open(path);
      expect(source.labels).to.deep.equal({ name: ["Ann", "Bob", "Cy"] });
      expect(await read(source)).to.deep.equal({ name: [2, 0, 1, 0] });
    });

    it("may be tensors", async () => {
      const path = join(folder(), "rows.arrow");
      const data = { shape: [1, 1, 2], data: Float32Array.of(3, 4) };
      await saveRows(path, [{ data }, { data }]);
      await using source = await open(path);
      expect(source.fields["data"]).to.deep.equal({ dtype: "float32", shape: [1, 1, 2] });
      expect(await read(source)).to.deep.equal({ data: [3, 4, 3, 4] });
      const flat = { shape: [2], data: Float32Array.of(3, 4) };
      await failure(saveRows(path, [{ data }, { data: flat }]), 'row 1: column "data" has a tensor of the shape [2]');
    });

    it("refuse no rows, unknown labels and rows that differ", async () => {
      const path = join(folder(), "rows.arrow");
      await failure(saveRows(path, []), "there are no rows");
      await failure(
        saveRows(path, [{ born: new Date(0) }]),
        'column "born" is nothing that a net takes: it holds dates',
      );
      await failure(saveRows(path, [{ name: "Ann" }, { name: 5 }]), 'row 1: column "name" has a number');
      await failure(saveRows(path, [{ x: 1 }, { y: 1 }]), 'row 1: column "x" has a missing value');
      await failure(saveRows(path, [{ l: "a" }, { l: "b" }], { l: ["a"] }), '"b", which is not one of its labels');
    });
  });
});
