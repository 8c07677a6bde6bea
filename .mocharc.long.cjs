// The settings of the slow suite, for the suites that do not fit into CI's time.
const { spec, timed, ...slow } = require("./.mocharc.slow.cjs");

module.exports = { ...slow, spec: spec.length === 0 ? [] : ["dist/spec/long/**/*.spec.js"], parallel: false };
