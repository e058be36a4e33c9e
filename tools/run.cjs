'use strict';

// Entry of `npm start`, `npm test`, `npm run stack`, `npm run containers` and `npm run fuzz`. It must work on a fresh clone where nothing is installed
// yet, hence plain Node. It installs and builds what is missing or out of date, then hands over.
const { spawn, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const within = (...parts) => path.join(root, ...parts);
const oldestNode = [20, 19];

/** What each command runs, given the words after it. */
const commands = {
  start: (words) => [within('dist/tools/demo/main.js'), ...words],
  stack: (words) => [within('dist/tools/stack/main.js'), ...words],
  containers: (words) => [within('dist/tools/containers/main.js'), ...words],
  fuzz: (words) => [within('dist/tools/fuzz/main.js'), ...words],
  test: (words) => [within('node_modules/jest/bin/jest.js'), ...words],
};

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  fail(
    `Node ${oldestNode.join('.')} or newer is needed; this is ${process.versions.node}. See https://nodejs.org`,
  );
}

/** Whether node_modules holds what the lock file asks for. npm leaves its own record of what it installed there. */
function isInstalled() {
  const wanted = readJson(within('package-lock.json')).packages;
  const record = within('node_modules/.package-lock.json');
  if (!fs.existsSync(record)) return false;
  const installed = readJson(record).packages;
  return Object.entries(wanted).every(
    ([place, { version, optional, devOptional }]) =>
      place === '' || optional || devOptional || installed[place]?.version === version,
  );
}

function install() {
  if (isInstalled()) return;
  step('Installing dependencies (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund']);
}

const sourceFolders =
  'activities api clients config domain migrations pkg platform stores tools worker workflows bench'.split(
    ' ',
  );
const sourceFiles = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Path, size and time of change of every file that the build reads. */
function sources() {
  const found = {};
  const note = (file) => {
    const { size, mtimeMs } = fs.statSync(within(file));
    found[file] = `${size} ${mtimeMs}`;
  };
  const walk = (folder) => {
    for (const entry of fs.readdirSync(within(folder), { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) walk(file);
      else note(file);
    }
  };
  for (const folder of sourceFolders) if (fs.existsSync(within(folder))) walk(folder);
  for (const file of sourceFiles) note(file);
  return found;
}

function build() {
  const stamp = within('dist/.built-from.json');
  const now = sources();
  const before = fs.existsSync(stamp) ? readJson(stamp) : undefined;
  if (before !== undefined && digest(before) === digest(now)) return;
  // The compiler leaves the output of deleted sources behind.
  const deleted = before === undefined || Object.keys(before).some((file) => !(file in now));
  if (deleted) fs.rmSync(within('dist'), { recursive: true, force: true });
  else fs.rmSync(stamp);
  step('Building (npm run build)', 'npm', ['run', '--silent', 'build']);
  fs.writeFileSync(stamp, JSON.stringify(now));
}

/** Runs a program quietly, says how long it took, and shows its output only when it fails. */
function step(what, program, args) {
  process.stdout.write(`${what} ... `);
  const began = Date.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) {
    console.log(`${((Date.now() - began) / 1000).toFixed(1)} s`);
    return;
  }
  console.log('failed');
  fail(error === undefined ? `${stdout}${stderr}` : `${program}: ${error.message}`);
}

/** Runs the command to its end; passes on signals, and its exit code. */
function handOver(command, words) {
  const child = spawn(process.execPath, commands[command](words), {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  let totals;
  child.on('message', (message) => (totals = message));
  let interruptedAt = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A Ctrl-C at a terminal has reached the child already, and npm may hand us the same one twice.
      if (signal === 'SIGINT' && (process.stdin.isTTY || Date.now() - interruptedAt < 500)) return;
      interruptedAt = Date.now();
      child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    if (totals !== undefined) {
      console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
    }
    if (signal !== null) console.error(`${command} was ended by ${signal}`);
    process.exitCode = code ?? 1;
  });
}

const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const digest = (value) => createHash('sha256').update(JSON.stringify(value)).digest('hex');

function fail(message) {
  console.error(message);
  process.exit(1);
}

const [command, ...words] = process.argv.slice(2);
if (!(command in commands)) fail(`Usage: node tools/run.cjs ${Object.keys(commands).join('|')} [arguments]`);
checkNode();
install();
build();
handOver(command, words);
