import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { zipSync } from "fflate";
import { readTensors } from "../../lib/data/source/recorded/index.js";
import { NetrunError } from "../../lib/error.js";
import { freshFolder } from "../support/folder.js";

/** An array as numpy.save writes it. */
function npy(descr: string, shape: string, bytes: Uint8Array, fortran = false): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${shape}, }`;
  const header = `${text.padEnd(117)}\n`;
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"), Buffer.from(header), bytes]);
}

const bytesOf = (array: { readonly buffer: ArrayBufferLike }) => new Uint8Array(array.buffer);

function safetensors(header: object, data: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

describe("files of recorded tensors", () => {
  const folder = freshFolder();
  const file = (bytes: Uint8Array) => {
    const path = join(folder(), "recorded");
    writeFileSync(path, bytes);
    return path;
  };
  const archive = (entries: Record<string, Uint8Array>, level: 0 | 6 = 0) => file(zipSync(entries, { level }));
  const refusal = (bytes: Uint8Array) => {
    try {
      readTensors(file(bytes));
    } catch (error) {
      return error instanceof NetrunError ? error.message : error;
    }
    return undefined;
  };

  for (const level of [0, 6] as const) {
    it(`reads an .npz, ${level === 0 ? "stored" : "compressed"}, its names without .npy`, () => {
      const path = archive({ "in/data.npy": npy("<f4", "(2, 3)", bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6))) }, level);
      expect([...readTensors(path)]).to.deep.equal([
        ["in/data", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ]);
    });
  }

  const types: readonly (readonly [descr: string, bytes: Uint8Array])[] = [
    ["<f2", bytesOf(Uint16Array.of(0x3c00, 0xc000))],
    [">f4", Uint8Array.of(0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0)],
    ["<f8", bytesOf(Float64Array.of(1, -2))],
    ["|i1", bytesOf(Int8Array.of(1, -2))],
    ["<i2", bytesOf(Int16Array.of(1, -2))],
    ["<i4", bytesOf(Int32Array.of(1, -2))],
    ["<i8", bytesOf(BigInt64Array.of(1n, -2n))],
  ];
  for (const [descr, bytes] of types) {
    it(`reads elements of NumPy's type ${descr} as float32`, () => {
      const tensors = readTensors(archive({ "x.npy": npy(descr, "(2,)", bytes) }));
      expect(tensors.get("x")).to.deep.equal({ shape: [2], data: Float32Array.of(1, -2) });
    });
  }

  it("reads unsigned numbers, truth values and scalars", () => {
    const tensors = readTensors(
      archive({
        "u.npy": npy("|u1", "(2,)", Uint8Array.of(0, 255)),
        "b.npy": npy("|b1", "(2,)", Uint8Array.of(0, 1)),
        "s.npy": npy("<f4", "()", bytesOf(Float32Array.of(7))),
      }),
    );
    expect(Object.fromEntries(tensors)).to.deep.equal({
      u: { shape: [2], data: Float32Array.of(0, 255) },
      b: { shape: [2], data: Float32Array.of(0, 1) },
      s: { shape: [], data: Float32Array.of(7) },
    });
  });

  it("turns Fortran's order into rows", () => {
    const columns = Float32Array.of(1, 4, 2, 5, 3, 6);
    const tensors = readTensors(archive({ "x.npy": npy("<f4", "(2, 3)", bytesOf(columns), true) }));
    expect(tensors.get("x")!.data).to.deep.equal(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it("reads .safetensors of several types, odd places included", () => {
    const data = Buffer.concat([Uint8Array.of(9), bytesOf(Float32Array.of(1.5)), bytesOf(Uint16Array.of(0x3fc0))]);
    const header = {
      __metadata__: { phase: "TEST" },
      byte: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
      float: { dtype: "F32", shape: [1, 1], data_offsets: [1, 5] },
      brain: { dtype: "BF16", shape: [], data_offsets: [5, 7] },
    };
    expect(Object.fromEntries(readTensors(file(safetensors(header, data))))).to.deep.equal({
      byte: { shape: [1], data: Float32Array.of(9) },
      float: { shape: [1, 1], data: Float32Array.of(1.5) },
      brain: { shape: [], data: Float32Array.of(1.5) },
    });
  });

  it("refuses what is damaged, saying what", () => {
    const whole = zipSync({ "x.npy": npy("<f4", "(2,)", bytesOf(Float32Array.of(1, 2))) }, { level: 0 });
    const entry = { dtype: "F32", shape: [3], data_offsets: [0, 8] };
    const cases: readonly (readonly [bytes: Uint8Array, message: string])[] = [
      [Buffer.from("layer { }"), "neither an .npz nor a .safetensors file"],
      [new Uint8Array(0), "neither an .npz nor a .safetensors file"],
      [whole.subarray(0, 40), "not a whole .npz archive"],
      [zipSync({ "x.npy": Uint8Array.of(1, 2) }), 'array "x.npy" has no NumPy header'],
      [zipSync({ "x.npy": npy("<f4", "(3,)", new Uint8Array(8)) }), 'array "x.npy" is cut off: [3] needs 12 bytes'],
      [zipSync({ "x.npy": npy("|O", "(3,)", new Uint8Array(8)) }), "array \"x.npy\" has elements of the type '|O'"],
      [safetensors({ x: entry }, new Uint8Array(8)), 'tensor "x" [3] does not fit its place, bytes 0 to 8 of 8'],
      [safetensors({ x: { ...entry, dtype: "C64" } }, new Uint8Array(8)), 'tensor "x" has elements of the type C64'],
      [safetensors({ x: entry }, new Uint8Array(8)).subarray(0, 20), "not a .safetensors file: no header"],
    ];
    for (const [bytes, message] of cases) expect(refusal(bytes), message).to.include(message);
  });

  it("refuses an .npz whose bytes changed, by its checksum", () => {
    const stored = zipSync({ "x.npy": npy("<f4", "(2,)", bytesOf(Float32Array.of(1, 2))) }, { level: 0 });
    const at = Buffer.from(stored).indexOf(Buffer.from(Float32Array.of(2).buffer));
    stored[at + 2] = 1;
    expect(refusal(stored)).to.include('its file "x.npy" has another checksum than the archive says');
  });

  it("refuses an .npz that unpacks to more than the limit, and one that declares more than it can unpack to", () => {
    const zeros = npy("|u1", "(50000000,)", new Uint8Array(50_000_000));
    const bomb = zipSync({ "x.npy": zeros }, { level: 9 });
    process.env["NETRUN_MAX_ALLOC"] = "16M";
    try {
      expect(refusal(bomb)).to.include("the archive's unpacked files would take 47.7 MiB, and the limit is 16.0 MiB");
    } finally {
      delete process.env["NETRUN_MAX_ALLOC"];
    }
    expect(refusal(bomb)).to.equal(undefined);
    const small = Buffer.from(zipSync({ "x.npy": npy("|u1", "(9,)", new Uint8Array(9)) }));
    const entry = small.indexOf("PK\x01\x02", 0, "latin1");
    small.writeUInt32LE(500_000_000, entry + 24);
    expect(refusal(small)).to.match(/declares 500000000 bytes, more than \d+ can unpack to/);
  });

  it("reads the header of an array in a time that grows with its length", function () {
    this.timeout(2000);
    const padding = "'descr': ".repeat(20_000) + " ".repeat(1_000_000);
    const header = `{${padding}'descr': '|O', 'fortran_order': False, 'shape': (1,), }`;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(header.length);
    const array = Buffer.concat([Buffer.from("\x93NUMPY\x02\x00", "latin1"), length, Buffer.from(header)]);
    expect(refusal(zipSync({ "x.npy": array }))).to.include("which are not numbers");
  });

  it("refuses .safetensors whose entries cannot be", () => {
    const of = (...entries: readonly object[]) =>
      safetensors(Object.fromEntries(entries.map((entry, i) => [`t${i}`, entry])), new Uint8Array(8));
    const entry = (shape: readonly unknown[], ...data_offsets: readonly unknown[]) => ({
      dtype: "F32",
      shape,
      data_offsets,
    });
    const twice =
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a" :{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const length = Buffer.alloc(8);
    length.writeUInt32LE(twice.length);
    const cases: readonly (readonly [bytes: Uint8Array, message: string])[] = [
      [of(entry([-1, -2], 0, 8)), 'tensor "t0" has the shape [-1,-2], whose dims are not all counts'],
      [of(entry([0.5, 4], 0, 8)), 'tensor "t0" has the shape [0.5,4], whose dims are not all counts'],
      [of(entry(["2"], 0, 8)), "whose dims are not all counts"],
      [of(entry([2], -8, 0)), 'tensor "t0" [2] does not fit its place, bytes -8 to 0 of 8'],
      [of(entry([2], 0.5, 8.5)), "does not fit its place"],
      [of(entry([2], 0, 8), entry([1], 4, 8)), 'tensors "t0" and "t1" overlap in the file'],
      [of(entry([1], 4, 8)), 'bytes 0 to 4, before tensor "t0", are no tensor\'s'],
      [of(entry([1], 0, 4)), "bytes 4 to 8, the file's last, are no tensor's"],
      [of({ ...entry([2], 0, 8), dtype: "constructor" }), 'tensor "t0" has elements of the type constructor'],
      [of({ ...entry([2], 0, 8), dtype: 3 }), 'tensor "t0" has elements of the type 3'],
      [of(entry([2], 0, 8, 9)), 'tensor "t0" has no shape or no place'],
      [safetensors({ t0: null }, new Uint8Array(0)), 'tensor "t0" has elements of the type undefined'],
      [Buffer.concat([length, Buffer.from(twice), new Uint8Array(8)]), 'tensor "a" is there twice'],
    ];
    for (const [bytes, message] of cases) expect(refusal(bytes), message).to.include(message);
  });
});
