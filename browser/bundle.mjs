// Makes dist/browser/netrun.js of lib/browser.ts: one module without Node's, for pages. `npm run build:browser`.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = new URL("../", import.meta.url);
const path = (name) => fileURLToPath(new URL(name, root));

/** Libraries that read files; none of it is reached from texts and bytes. */
const READERS =
  /^(h5wasm|sharp|classic-level|hyparquet|hyparquet-compressors|hyparquet-writer|apache-arrow|csv-parse|piscina|fzstd|@cwasm\/jpeg-turbo|@viz-js\/viz|valibot|flatbuffers)(\/|$)/;

/** Stand-in for a module that a page does not have: everything in it throws when it is called. */
const absent = (name) => `
  // A function, not an arrow: some are what classes extend.
  const missing = (member) => function () { throw new Error(${JSON.stringify(`${name} is not in a browser`)} + ": " + String(member)); };
  const known = { isMainThread: true, setEnvironmentData() {}, getEnvironmentData: () => true, endianness: () => "LE", totalmem: () => 2 ** 32,
    tmpdir: () => "/", fileURLToPath: String, extname: (path) => /\\.[^.]*$/.exec(path)?.[0] ?? "", availableParallelism: () => 1, promises: {}, constants: { MAX_STRING_LENGTH: 2 ** 29 } };
  // As a prototype: esbuild copies what modules own, and hands their prototype on.
  const members = new Proxy({}, { get: (_, member) => (member === "__esModule" ? false : known[member] ?? missing(member)) });
  module.exports = Object.create(members);`;

const inBrowser = {
  name: "in a browser",
  setup(bundle) {
    bundle.onResolve({ filter: /^node:/ }, ({ path: name }) => ({ path: name, namespace: "absent" }));
    // Data sets are files.
    bundle.onResolve({ filter: /\/(rows|calibrate|recorded\/index|hdf5)\.js$/ }, ({ path: name, importer }) =>
      /[/\\](convert|caffe)[/\\]/.test(importer) ? { path: name, namespace: "absent" } : undefined,
    );
    bundle.onResolve({ filter: READERS }, ({ path: name }) => ({ path: name, namespace: "absent" }));
    bundle.onLoad({ filter: /.*/, namespace: "absent" }, ({ path: name }) => ({
      contents: absent(name),
      loader: "js",
    }));
    bundle.onResolve({ filter: /^onnxruntime-node$/ }, () => ({ path: "onnxruntime-web", external: true }));
    // Schemas are read from files in Node, and are in the module here.
    bundle.onLoad({ filter: /[/\\]dist[/\\]lib[/\\]proto\.js$/ }, () => ({
      contents: `
        import protobuf from "protobufjs/light.js";
        import caffe from ${JSON.stringify(path("proto/caffe.json"))};
        import onnx from ${JSON.stringify(path("proto/onnx.json"))};
        export const loadProto = (name) => protobuf.Root.fromJSON({ caffe, onnx }[name]).resolveAll();`,
      loader: "js",
      resolveDir: path("dist/lib"),
    }));
  },
};

const { version } = JSON.parse(readFileSync(path("package.json"), "utf8"));
await build({
  entryPoints: [path("dist/lib/browser.js")],
  outfile: path("dist/browser/netrun.js"),
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "inline",
  banner: { js: `// netrun ${version}` },
  inject: [path("browser/globals.js")],
  plugins: [inBrowser],
});
