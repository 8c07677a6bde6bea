// The specs of the slow suite that run one at a time.
const { timed, ...slow } = require("./.mocharc.slow.cjs");

module.exports = { ...slow, spec: timed, parallel: false };
