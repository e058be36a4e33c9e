'use strict';

// The engine whose main.js is named, and which on SIGUSR2 takes more memory than it may have. Not without an end: who is to
// kill it for that may be late.
const { Buffer } = require('node:buffer');
const { setInterval } = require('node:timers');

const PIECES = 40;
const taken = [];
process.on('SIGUSR2', () => {
  setInterval(() => {
    if (taken.length < PIECES) taken.push(Buffer.alloc(16 * 1024 * 1024, 1));
  }, 5);
});
require(process.argv[2]);
