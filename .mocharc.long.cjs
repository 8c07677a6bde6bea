const named = process.argv.some((argument) => argument.endsWith(".spec.js"));

module.exports = {
  // See .mocharc.cjs.
  spec: named ? [] : ["dist/spec/long/**/*.spec.js"],
  timeout: 900_000,
  slow: 60_000,
  reporter: "spec",
};
