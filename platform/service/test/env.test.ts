import {
  address,
  duration,
  flag,
  integer,
  type InvalidConfig,
  oneOf,
  readSettings,
  text,
  unknownVariables,
  url,
  withDefault,
} from '../env';

const settings = {
  ADDR: withDefault(address(), '127.0.0.1:8094'),
  URL: url('redis', 'rediss'),
  WAIT: withDefault(duration(), '30s'),
  TIMES: withDefault(integer(1, 10), '3'),
  SOFT: withDefault(flag(), 'false'),
  LEVEL: withDefault(oneOf(['info', 'warn']), 'info'),
  STREAM: withDefault(text(), 'jobs'),
};

const problemsOf = (env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    readSettings(env, 'TOY_', settings);
    return [];
  } catch (error) {
    return (error as InvalidConfig).problems;
  }
};

it('reads what is set, and defaults for the rest', () => {
  expect(
    readSettings({ TOY_URL: 'redis://host/', TOY_WAIT: '5m', TOY_STREAM: ' ' }, 'TOY_', settings),
  ).toEqual({
    ADDR: { host: '127.0.0.1', port: 8094 },
    URL: 'redis://host',
    WAIT: 300_000,
    TIMES: 3,
    SOFT: false,
    LEVEL: 'info',
    STREAM: 'jobs',
  });
});

it('tells every problem at once, and no value', () => {
  const problems = problemsOf({
    TOY_ADDR: 'secret',
    TOY_WAIT: '0s',
    TOY_TIMES: '11',
    TOY_SOFT: 'yes',
    TOY_LEVEL: 'x',
  });
  expect(problems).toEqual([
    'TOY_ADDR must be host:port, such as 127.0.0.1:8094',
    'TOY_URL is required',
    'TOY_WAIT must be a duration such as 500ms, 30s, 5m or 1h, of less than 25 days',
    'TOY_TIMES must be a whole number from 1 to 10',
    'TOY_SOFT must be true or false',
    'TOY_LEVEL must be one of info, warn',
  ]);
});

it.each(['http://host', 'redis://', 'host:6379', 'redis:'])('%s is no address of a redis', (value) => {
  expect(problemsOf({ TOY_URL: value })).toEqual([
    'TOY_URL must be a URL that begins with redis:// or rediss://',
  ]);
});

it('checks what settings have to fulfil together', () => {
  const check = { settings: ['TIMES', 'WAIT'] as const, holds: () => false, must: 'must agree' };
  expect(() => readSettings({ TOY_URL: 'redis://host' }, 'TOY_', settings, [check])).toThrow(
    'TOY_TIMES and TOY_WAIT must agree',
  );
});

it('knows variables that nothing reads', () => {
  const env = { TOY_URL: '', TOY_URI: '', OTHER: '' };
  expect(unknownVariables(env, 'TOY_', settings)).toEqual(['TOY_URI']);
});
