import { createLogger, gameLogger } from '../logging';

it('writes one JSON line an event, with its game and without secrets, and counts problems', () => {
  const lines: string[] = [];
  const problems: string[] = [];
  const log = createLogger(
    { level: 'info', name: 'toy', onProblem: (level) => problems.push(level) },
    { write: (line: string) => void lines.push(line) },
  );
  log.debug('quiet');
  gameLogger(log, 'orion').warn(
    {
      smtpUrl: 'hunter2',
      postgres: { dsn: 'hunter2' },
      err: new Error('no way to smtp://mail:hunter2@host as Bearer hunter2'),
    },
    'failed',
  );
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('hunter2');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    name: 'toy',
    game_id: 'orion',
    msg: 'failed',
  });
  expect(problems).toEqual(['warn']);
});
