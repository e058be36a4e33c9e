import { ConfigError, readConfig } from '../config';

const MINIMAL = { ENGINE_DATA_DIR: '/data' };

test('only the data directory is required', () => {
  expect(readConfig(MINIMAL)).toEqual({
    http: { host: '127.0.0.1', port: 8080 },
    dataDir: '/data',
    finishTurn: 0,
    turnDuration: 0,
    fsync: true,
  });
});

test.each([
  ['ENGINE_HTTP_ADDR', '0.0.0.0:0', { http: { host: '0.0.0.0', port: 0 } }],
  ['ENGINE_HTTP_ADDR', 'localhost:65535', { http: { host: 'localhost', port: 65535 } }],
  ['ENGINE_HTTP_ADDR', '[::1]:80', { http: { host: '::1', port: 80 } }],
  ['ENGINE_FINISH_TURN', '40', { finishTurn: 40 }],
  ['ENGINE_TURN_DURATION', '500ms', { turnDuration: 500 }],
  ['ENGINE_TURN_DURATION', '2s', { turnDuration: 2_000 }],
  ['ENGINE_TURN_DURATION', '3m', { turnDuration: 180_000 }],
  ['ENGINE_FSYNC', 'false', { fsync: false }],
])('%s=%s', (name, text, expected) => {
  expect(readConfig({ ...MINIMAL, [name]: text })).toMatchObject(expected);
});

test.each([
  ['ENGINE_HTTP_ADDR', ''],
  ['ENGINE_HTTP_ADDR', ':8080'],
  ['ENGINE_HTTP_ADDR', 'localhost'],
  ['ENGINE_HTTP_ADDR', 'localhost:65536'],
  ['ENGINE_HTTP_ADDR', '::1:80'],
  ['ENGINE_HTTP_ADDR', 'http://localhost:80'],
  ['ENGINE_DATA_DIR', ''],
  ['ENGINE_FINISH_TURN', '-1'],
  ['ENGINE_FINISH_TURN', '007'],
  ['ENGINE_FINISH_TURN', '1.5'],
  ['ENGINE_TURN_DURATION', '5'],
  ['ENGINE_TURN_DURATION', '1.5s'],
  ['ENGINE_TURN_DURATION', '1h'],
  ['ENGINE_TURN_DURATION', '40000m'],
  ['ENGINE_FSYNC', 'yes'],
])('%s=%s is refused', (name, text) => {
  expect(() => readConfig({ ...MINIMAL, [name]: text })).toThrow(new RegExp(`^${name} is "`));
});

test('every problem is told at once', () => {
  expect(() => readConfig({ ENGINE_FSYNC: '1', ENGINE_FINISH_TURN: 'x' })).toThrow(
    new ConfigError([
      'ENGINE_DATA_DIR is required: a directory',
      'ENGINE_FINISH_TURN is "x": a turn, 0 for never',
      'ENGINE_FSYNC is "1": true or false',
    ]),
  );
});
