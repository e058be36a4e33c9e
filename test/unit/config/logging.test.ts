import { createLogger, gameLogger } from '../../../config/logging';

function logging(level = 'info') {
  const lines: string[] = [];
  const log = createLogger({ level, name: 'api' }, { write: (line: string) => void lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

it('writes one JSON line an event, with the game it is about', () => {
  const { log, lines, last } = logging();
  gameLogger(log, 'orion').info({ turn: 3 }, 'turn generated');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
  expect(last()).toMatchObject({
    level: 'info',
    name: 'api',
    game_id: 'orion',
    turn: 3,
    msg: 'turn generated',
  });
  expect(new Date(String(last()['time'])).getTime()).toBeGreaterThan(0);
});

it('keeps to its level', () => {
  const { log, lines } = logging('warn');
  log.info('quiet');
  expect(lines).toEqual([]);
});

it('shows no secret', () => {
  const { log, lines } = logging();
  log.info(
    {
      dsn: 'hunter2',
      config: { postgres: 'db', redisUrl: 'hunter2', apiTokens: ['hunter2'] },
      postgres: { dsn: 'hunter2', password: 'hunter2' },
      headers: { authorization: 'Bearer hunter2' },
      req: { headers: { authorization: 'Bearer hunter2' } },
      authorization: 'hunter2',
      deep: { deeper: [{ token: 'hunter2', caller: 'lobby' }] },
      tokens: { lobby: 'hunter2"}', admin: ['hunter2'] },
      password: 42,
    },
    'started',
  );
  log.error(Object.assign(new Error('no'), { token: 'hunter2' }), 'failed');
  expect(lines).toHaveLength(2);
  expect(lines.join('')).not.toContain('hunter2');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    config: { postgres: 'db', redisUrl: '[redacted]', apiTokens: '[redacted]' },
    deep: { deeper: [{ token: '[redacted]', caller: 'lobby' }] },
    tokens: '[redacted]',
    password: '[redacted]',
  });
});

it('shows no secret inside a text either', () => {
  const { log, lines, last } = logging();
  const cause = new Error('no way to redis://:hunter2@host:1/0 as "Bearer hunter2"');
  log.warn(
    { err: cause, hosts: ['postgres://gm:hunter2@db/x'], url: 'http://host:80/a@b:c' },
    'Bearer hunter2',
  );
  expect(lines.join('')).not.toContain('hunter2');
  expect(last()).toMatchObject({
    err: { message: 'no way to redis://:[redacted]@host:1/0 as "Bearer [redacted]"' },
    hosts: ['postgres://gm:[redacted]@db/x'],
    url: 'http://host:80/a@b:c',
    msg: 'Bearer [redacted]',
  });
});

it('tells of every problem that is logged, also through a child', () => {
  const problems: string[] = [];
  const options = { level: 'error', name: 'api', onProblem: (level: string) => void problems.push(level) };
  const log = createLogger(options, { write: () => undefined });
  log.info('fine');
  log.warn('below the level');
  log.error('not fine');
  gameLogger(log, 'orion').fatal('not fine at all');
  expect(problems).toEqual(['error', 'fatal']);
});
