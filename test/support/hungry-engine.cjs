'use strict';

// The engine whose main.js is named, and which on SIGUSR2 takes memory until somebody ends it.
const { Buffer } = require('node:buffer');
const { setInterval } = require('node:timers');

const taken = [];
process.on('SIGUSR2', () => {
  setInterval(() => taken.push(Buffer.alloc(16 * 1024 * 1024, 1)), 5);
});
require(process.argv[2]);
