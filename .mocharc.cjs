// Specs that the command line names run alone: mocha would run them beside those that its configuration names.
const named = process.argv.filter((argument) => argument.endsWith(".spec.js")).length;

module.exports = {
  spec: named > 0 ? [] : ["dist/spec/**/*.spec.js"],
  ignore: ["dist/spec/slow/**", "dist/spec/long/**"],
  // Two files at a time: half of a file's time is waiting for other processes and threads. None of these specs measures time.
  parallel: named !== 1,
  jobs: 2,
  timeout: 60_000,
  reporter: "dot",
};
