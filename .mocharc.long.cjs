// The settings of the slow suite, for the suites that do not fit into CI's time.
const slow = require("./.mocharc.slow.cjs");

module.exports = { ...slow, spec: slow.spec.map((pattern) => pattern.replace("/slow/", "/long/")) };
