// Specs that the command line names run alone: mocha would run them beside those that its configuration names.
const named = process.argv.some((argument) => argument.endsWith(".spec.js"));

module.exports = {
  spec: named ? [] : ["dist/spec/**/*.spec.js"],
  ignore: ["dist/spec/slow/**", "dist/spec/long/**"],
  timeout: 60_000,
  reporter: "dot",
};
