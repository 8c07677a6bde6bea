const named = process.argv.some((argument) => argument.endsWith(".spec.js"));

// Those that take minutes come first, so that neither of two processes is left with one of them at the end.
const longest = ["spark", "training", "examples", "example-nets", "cuda", "doc-blocks", "soak", "bare-clone"];
// Specs that measure time run alone, in .mocharc.timed.cjs, and so do those of readers, which have so many seconds for each and both cores.
const timed = ["dashboard", "fuzz-readers", "guard", "many-layers"];

const file = (name) => `dist/spec/slow/${name}.spec.js`;

module.exports = {
  timed: timed.map(file),
  // See .mocharc.cjs.
  spec: named ? [] : [...longest.map(file), `dist/spec/slow/!(${[...longest, ...timed].join("|")}).spec.js`],
  parallel: !named,
  jobs: 2,
  timeout: 900_000,
  slow: 60_000,
  reporter: "spec",
};
