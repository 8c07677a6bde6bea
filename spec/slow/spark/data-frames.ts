import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { join as joinCluster, type SparkChoice, spark } from "../../../lib/engine/spark/choice.js";
import { extract, extractOnSpark, Net, Solver, type SolverOptions, train } from "../../../lib/index.js";
import { failure } from "../../support/failure.js";
import { root } from "../../support/shared.js";
import { BRIEF, commandOf, confFlags, type SharedCluster, sparkHome } from "../../support/spark.js";

const SIDE = 6;
const ROWS = 90;

/** A net that draws at random: mirrors, and a Dropout. */
const NET = `
  layer { name: "in" type: "Input" top: "data" top: "label"
    input_param { shape { dim: 8 dim: 1 dim: ${SIDE} dim: ${SIDE} } shape { dim: 8 } } }
  layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
    convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
  layer { name: "drop" type: "Dropout" bottom: "conv" top: "drop" }
  layer { name: "ip" type: "InnerProduct" bottom: "drop" top: "ip"
    inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;

/** The same net of features alone. */
const FEATURES = NET.replace('top: "label"', "")
  .replace("shape { dim: 8 }", "")
  .replace(/\n {2}layer \{ name: "loss".*/, "");

/** Half of a number: rows of one column. */
const HALF = `
  layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 1 } } }
  layer { name: "half" type: "InnerProduct" bottom: "x" top: "half"
    inner_product_param { num_output: 1 weight_filler { type: "constant" value: 0.5 } } }`;

interface Row {
  readonly id: number;
  readonly data: readonly number[];
  readonly label: string;
}

const rowsOf = (from: number, to: number): readonly Row[] =>
  Array.from({ length: to - from }, (_, i) => {
    const id = from + i;
    const data = Array.from({ length: SIDE * SIDE }, (_, j) => Math.fround(Math.sin(id * 31 + j * 7)));
    return { id, data, label: ["owl", "cat", "emu"][id % 3]! };
  });

/** Writes rows to a Parquet file. */
function writeParquet(path: string, rows: readonly Row[]): void {
  const required = { repetition_type: "REQUIRED" } as const;
  const bytes = parquetWriteBuffer({
    columnData: (["id", "data", "label"] as const).map((name) => ({ name, data: rows.map((row) => row[name]) })),
    schema: [
      { name: "root", num_children: 3 },
      { name: "id", type: "INT32", ...required },
      { name: "data", converted_type: "LIST", num_children: 1, ...required },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", type: "FLOAT", ...required },
      { name: "label", type: "BYTE_ARRAY", converted_type: "UTF8", ...required },
    ],
  });
  writeFileSync(path, new Uint8Array(bytes));
}

/** The rows of all Parquet files of a folder, by id. */
async function readParquet(folder: string): Promise<readonly Record<string, unknown>[]> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".parquet"));
  const parts = await Promise.all(
    names.map(async (name) => parquetReadObjects({ file: await asyncBufferFromFile(join(folder, name)), compressors })),
  );
  return parts.flat().sort((a, b) => Number(a["id"]) - Number(b["id"]));
}

/** DataFrames of Spark as data. */
export function dataFrameSpecs(shared: () => SharedCluster): void {
  let folder = "";
  let engine: SparkChoice;
  const at = (name: string): string => join(folder, name);
  const database = (): string => `jdbc:derby:${at("database")}`;
  const file = (): string => at("whole.parquet");

  before(async () => {
    ({ engine } = shared());
    folder = mkdtempSync(join(tmpdir(), "netrun-spec-"));
    writeParquet(file(), rowsOf(0, ROWS));
    mkdirSync(at("parts"));
    for (const [i, [from, to]] of [[60, 90] as const, [0, 20] as const, [20, 60] as const].entries())
      writeParquet(at(`parts/${i}.parquet`), rowsOf(from, to));
    writeFileSync(at("net.prototxt"), NET);
    writeFileSync(at("features.prototxt"), FEATURES);
    writeFileSync(at("half.prototxt"), HALF);
    writeFileSync(at("twin.prototxt"), HALF.replaceAll('"half"', '"twin"'));
    for (const name of ["features", "half", "twin"]) {
      await using net = await Net.load(at(`${name}.prototxt`));
      await net.save(at(`${name}.caffemodel`));
    }
  });
  after(() => {
    if (folder !== "") rmSync(folder, { recursive: true, force: true });
  });

  /** Trains two replicas for two rounds; a hash of the weights. */
  async function weightsOf(options: Partial<SolverOptions>): Promise<string> {
    const text = `net: "${at("net.prototxt")}" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 max_iter: 6 random_seed: 3
      test_iter: 2 test_interval: 3 snapshot_after_train: false snapshot_prefix: "${at("snap")}" test_state {}`;
    const given = { workers: 2, syncInterval: 3, threads: 1, transform: { mirror: true }, ...options } as const;
    await using solver = await Solver.load(text, given);
    const scores: unknown[] = [];
    for await (const event of train(solver)) if (event.kind === "test") scores.push(event.outputs);
    expect(scores.length).to.be.above(1);
    await solver.net.save(at("w.caffemodel"));
    return createHash("sha256")
      .update(readFileSync(at("w.caffemodel")))
      .update(JSON.stringify(scores))
      .digest("hex");
  }

  it("train to the bits of the same rows in a file, random mirrors and tests included, in each scaling", async () => {
    for (const batchScaling of ["weak", "strong"] as const) {
      const local = await weightsOf({ data: file(), batchScaling });
      const there = await weightsOf({ data: `spark:parquet:${at("parts")}?order=id`, engine, batchScaling });
      expect(there, batchScaling).to.equal(local);
    }
  });

  it("are read by one replica alone too, on the cluster, where a baseline is wanted", async () => {
    const solver = `net: "${at("net.prototxt")}" base_lr: 0.05 lr_policy: "fixed" max_iter: 9 random_seed: 3
      snapshot_after_train: false snapshot_prefix: "${at("snap")}" test_iter: 1 test_interval: 1000 test_state {}`;
    const given = { solver, data: `spark:parquet:${file()}`, engine, workers: 2, syncInterval: 3, threads: 1 };
    const seen: Record<string, number> = {};
    for await (const event of train({ ...given, baseline: true })) {
      if (event.kind === "baseline") seen["alone"] = event.imagesPerSecond;
      if (event.kind === "done") seen["speedUp"] = event.speedUp!;
    }
    expect(seen["alone"]).to.be.above(0);
    expect(seen["speedUp"]).to.be.above(0);
  });

  it("have an order of their own, by values and a seed, whatever files they are in", async () => {
    const whole = await weightsOf({ data: `spark:parquet:${file()}`, engine });
    expect(await weightsOf({ data: `spark:parquet:${at("parts")}`, engine })).to.equal(whole);
    const query = `spark:sql:SELECT * FROM parquet.\`${file()}\` WHERE id < 40 UNION ALL SELECT * FROM parquet.\`${file()}\` WHERE id >= 40`;
    expect(await weightsOf({ data: query, engine })).to.equal(whole);
    expect(await weightsOf({ data: `spark:parquet:${file()}?shuffle=2`, engine })).to.not.equal(whole);
  });

  it("are refused before the first round, by column, type and wanted shape", async () => {
    const query = (columns: string) =>
      weightsOf({ data: `spark:sql:SELECT ${columns} FROM parquet.\`${file()}\``, engine, transform: { scale: 1 } });
    await failure(
      query("slice(data, 1, 9) AS data, label"),
      `column "data" holds float32 [9], and the blob "data" wants rows of [1,${SIDE},${SIDE}]`,
    );
    await failure(
      query("current_timestamp() AS data, label"),
      'column "data" is no field: it holds timestamp of Spark, and the blob "data" wants rows of [1,6,6]',
    );
    await failure(query("nothing, label"), "`nothing` cannot be resolved");
    await failure(weightsOf({ data: "spark:parquet:/nowhere", engine }), "Path does not exist: file:/nowhere");
    const few = `spark:sql:SELECT data, label FROM parquet.\`${file()}\` WHERE id < 9`;
    await failure(weightsOf({ data: few, engine }), "fewer than one batch of 8");
  });

  it("are written with blobs beside their own columns, those of extraction from a file", async () => {
    const given = { model: at("features.prototxt"), weights: at("features.caffemodel"), blobs: ["ip"] };
    const output = `spark:parquet:${at("extracted")}?mode=overwrite`;
    const done = await extractOnSpark({ ...given, engine, data: `spark:parquet:${at("parts")}`, output });
    expect(done.rows).to.equal(ROWS);
    const rows = await readParquet(at("extracted"));
    expect(Object.keys(rows[0]!)).to.deep.equal(["id", "data", "label", "ip"]);
    expect(rows.map(({ ip }) => ip)).to.deep.equal(await features());
    await failure(
      extractOnSpark({ ...given, blobs: ["pi"], engine, data: `spark:parquet:${file()}`, output }),
      'the net has no blob "pi"',
    );
  });

  /** Results of a net over all rows, without a cluster. */
  async function features(): Promise<readonly (readonly number[])[]> {
    const [model, weights] = [at("features.prototxt"), at("features.caffemodel")];
    const rows: number[][] = [];
    for await (const { length, blobs } of extract({ model, weights, blobs: ["ip"], data: file(), threads: 1 }))
      for (let row = 0; row < length; row++) rows.push([...blobs.ip!.data.subarray(3 * row, 3 * row + 3)]);
    return rows;
  }

  const ids = [0, 1, 2, 3, 4, 5];
  /** Half of a quarter of each id. */
  const eighths = ids.map((id) => [id / 8]);

  /** Writes a DataFrame with a column of half of its column x. */
  async function writeHalves(data: string, on: SparkChoice, output: string, blob = "half"): Promise<void> {
    const [model, weights] = [at(`${blob}.prototxt`), at(`${blob}.caffemodel`)];
    await extractOnSpark({ model, weights, blobs: [blob], engine: on, data, output: `${output}?mode=overwrite` });
  }

  /** Half of the column x of a DataFrame, by its ids. */
  async function halves(data: string, on = engine): Promise<unknown> {
    await writeHalves(data, on, `spark:parquet:${at("halves")}`);
    return (await readParquet(at("halves"))).map(({ half }) => half);
  }

  it("are of any type of numbers, and files of any format", async () => {
    const column = (sql: string) => `spark:sql:SELECT id, ${sql} AS x FROM range(0, 6, 1, 2)`;
    for (const type of ["FLOAT", "DOUBLE", "DECIMAL(8,2)"])
      expect(await halves(column(`CAST(id / 4 AS ${type})`)), type).to.deep.equal(eighths);
    expect(await halves(column("array(id / 4)")), "an array").to.deep.equal(eighths);
    for (const type of ["INT", "BIGINT", "SMALLINT", "TINYINT"])
      expect(await halves(column(`CAST(id AS ${type})`)), type).to.deep.equal(ids.map((id) => [id / 2]));
    expect(await halves(column("id > 2")), "a boolean").to.deep.equal(ids.map((id) => [id > 2 ? 0.5 : 0]));
    expect(await halves(column("unhex(concat('0', id))")), "bytes").to.deep.equal(ids.map((id) => [id / 2]));
    const words = column("elt(1 + id % 3, 'owl', 'cat', 'emu')");
    expect(await halves(words), "texts").to.deep.equal(ids.map((id) => [[1, 0, 0.5][id % 3]]));

    writeFileSync(at("x.csv"), `id,x\n${ids.map((id) => `${id},${id / 4}\n`).join("")}`);
    writeFileSync(at("x.json"), ids.map((id) => `${JSON.stringify({ id, x: id / 4 })}\n`).join(""));
    await writeHalves(column("id / 4"), engine, `spark:orc:${at("x.orc")}`, "twin");
    for (const format of ["csv", "json", "orc"])
      expect(await halves(`spark:${format}:${at(`x.${format}`)}`), format).to.deep.equal(eighths);
  });

  it("have images, of Spark's image source and as encoded files, with netrun's pixels", async () => {
    mkdirSync(at("images"));
    const pixels = Buffer.from(Array.from({ length: 3 * 20 }, (_, i) => (i * 37) % 256));
    const raw = { width: 5, height: 4, channels: 3 } as const;
    await sharp(pixels, { raw }).png().toFile(at("images/a.png"));
    writeFileSync(
      at("image.prototxt"),
      `layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 5 } } }
       layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1 } }`,
    );
    await using net = await Net.load(at("image.prototxt"));
    await net.save(at("image.caffemodel"));
    const given = { model: at("image.prototxt"), weights: at("image.caffemodel"), blobs: ["data"], engine };
    const bgr = Array.from({ length: 60 }, (_, i) => pixels[3 * (i % 20) + (2 - Math.floor(i / 20))]!);
    for (const [column, source] of [
      ["image", `image.\`${at("images")}/a.png\``],
      ["content", `binaryFile.\`${at("images")}/a.png\``],
    ]) {
      const data = `spark:sql:SELECT ${column} AS pixels FROM ${source}`;
      await extractOnSpark({ ...given, data, output: `spark:parquet:${at("pixels")}?mode=overwrite` });
      const [row] = await readParquet(at("pixels"));
      expect(row!["data"], column).to.deep.equal(bgr);
    }
  });

  it("go through a net in a pipeline of PySpark's, which is saved and loaded", async function () {
    const python = process.env["PYTHON"] ?? "python3";
    const found = spawnSync(python, ["-c", "import pyspark.ml"], { encoding: "utf8" });
    if (found.status !== 0) {
      this.test!.title += ` (skipped: ${python} has no pyspark with numpy)`;
      this.skip();
    }
    writeFileSync(
      at("pipeline.py"),
      `
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.functions import array_to_vector
from pyspark.sql import SparkSession
from pyspark.sql.functions import array
from netrun.spark import NetTransformer

spark = SparkSession.builder.getOrCreate()
rows = spark.read.parquet("${at("parts")}").withColumnRenamed("data", "pixels")
net = NetTransformer(model="${at("features.prototxt")}", weights="${at("features.caffemodel")}",
                     inputCols={"data": "pixels"}, outputCols={"ip": "ip"})
Pipeline(stages=[net]).fit(rows).write().overwrite().save("${at("pipeline")}")
loaded = PipelineModel.load("${at("pipeline")}")
assert type(loaded.stages[0]) is NetTransformer
loaded.transform(rows).write.mode("overwrite").parquet("${at("transformed")}")
numbers = spark.range(6).selectExpr("id", "id / 4 AS x")
numbers.write.jdbc("${database()};create=true", "numbers", properties={"driver": "org.apache.derby.jdbc.EmbeddedDriver"})
vectors = numbers.select("id", array_to_vector(array("x")).alias("x"))
vectors.write.parquet("${at("vectors")}")
try:
    net.setParams(inputCols={"data": "label"}).transform(rows)
except Exception as error:
    print("refused:", error)
`,
    );
    const jar = join(root, "spark", "netrun-spark.jar");
    const submitted = spawnSync(
      join(sparkHome()!, "bin", "spark-submit"),
      [
        ...["--master", "local[2]", "--driver-memory", "600m", "--jars", jar, "--py-files", jar],
        ...confFlags({ ...BRIEF, "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2" }),
        ...confFlags({ "spark.netrun.home": root, "spark.netrun.node": process.execPath }),
        at("pipeline.py"),
      ],
      { encoding: "utf8", env: { ...process.env, PYSPARK_PYTHON: python } },
    );
    expect(submitted.status, submitted.stderr.slice(-3000)).to.equal(0);
    expect(submitted.stdout).to.contain('column "label" is string, which the blob "data" cannot have');
    const rows = await readParquet(at("transformed"));
    expect(rows.map(({ ip }) => ip)).to.deep.equal(await features());
    expect(await halves(`spark:parquet:${at("vectors")}`), "MLlib's vectors").to.deep.equal(eighths);
  });

  it("train without a cluster, by --master local[2], where a worker that hangs over rows ends the task", async () => {
    const conf = { ...BRIEF, "spark.driver.memory": "600m", "spark.ui.enabled": "false", "spark.log.level": "OFF" };
    const patience = { "spark.netrun.rowTimeout": "4s", "spark.sql.shuffle.partitions": "2" };
    const warehouse = { "spark.sql.warehouse.dir": at("warehouse") };
    const local = spark({ master: "local[2]", conf: { ...conf, ...patience, ...warehouse } });
    const application = await joinCluster(local);
    try {
      const there = await weightsOf({ data: `spark:parquet:${at("parts")}?order=id`, engine: local });
      expect(there).to.equal(await weightsOf({ data: file() }));
      const numbers = "spark:sql:SELECT id, id / 4 AS x FROM range(6)";
      await writeHalves(numbers, local, "spark:table:numbers", "twin");
      expect(await halves("spark:table:numbers", local), "a table").to.deep.equal(eighths);
      // The spec before made it, where there is PySpark.
      if (existsSync(at("database"))) {
        const rows = `spark:jdbc?dbtable=numbers:${database()}`;
        expect(await halves(rows, local), "a database").to.deep.equal(eighths);
      }
      const given = { model: at("features.prototxt"), weights: at("features.caffemodel"), blobs: ["ip"] };
      const output = `spark:parquet:${at("never")}`;
      // Those of other applications are kept for their next task.
      const before = rowWorkers();
      const hung = extractOnSpark({ ...given, engine: local, data: `spark:parquet:${file()}`, output });
      hung.catch(() => {});
      const worker = await another(before);
      process.kill(worker, "SIGSTOP");
      await failure(hung, "a row worker hung: it has not answered in 4.00 s");
      expect(existsSync(`/proc/${worker}`)).to.equal(false);
    } finally {
      await application.close();
    }
  });
}

/** Processes of nets that run over rows. */
const rowWorkers = (): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid).includes(join(root, "dist/lib/api/row-worker.js")));

/** The first process that is none of those, as soon as there is one. */
async function another(before: readonly number[]): Promise<number> {
  for (;;) {
    const found = rowWorkers().find((pid) => !before.includes(pid));
    if (found !== undefined) return found;
    await setTimeout(20);
  }
}
