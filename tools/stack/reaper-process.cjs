'use strict';

// Runs beside the process that started a stack and outlives it by a moment. Its standard input is a pipe from
// that process: when the pipe closes, whatever the reason (a crash and SIGKILL included), the servers and
// folders that are still on the list are ended and removed. Lines: {"watch":pid,"signal":"SIGTERM"},
// {"forget":pid}, {"folder":path}, {"forgetFolder":path}.
const { rmSync } = require('node:fs');
const { createInterface } = require('node:readline');
const { setTimeout } = require('node:timers');

const graceMs = 5000;
const servers = new Map();
const folders = new Set();

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const message = JSON.parse(line);
  if (message.watch !== undefined) servers.set(message.watch, message.signal);
  if (message.forget !== undefined) servers.delete(message.forget);
  if (message.folder !== undefined) folders.add(message.folder);
  if (message.forgetFolder !== undefined) folders.delete(message.forgetFolder);
});

// Each server leads its own process group, so the negative id reaches its children too.
const signalAll = (signalOf) => {
  for (const [pid, signal] of servers) {
    try {
      process.kill(-pid, signalOf(signal));
    } catch {
      servers.delete(pid);
    }
  }
};

lines.on('close', () => {
  signalAll(() => 'SIGCONT');
  signalAll((signal) => signal);
  const deadline = Date.now() + graceMs;
  const finish = () => {
    signalAll(() => 0);
    if (servers.size > 0 && Date.now() < deadline) return setTimeout(finish, 50);
    signalAll(() => 'SIGKILL');
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  };
  finish();
});

// A Ctrl-C in the terminal is the parent's business.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('SIGHUP', () => undefined);
