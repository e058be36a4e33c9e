import { refuseEndpoint } from '../../../api/engine-endpoint';

const everywhere = ['*'];

describe('an engine endpoint may be', () => {
  it.each([
    ['http://galaxy-game-orion:8080', ['galaxy-game-*']],
    ['https://galaxy-game-orion', ['galaxy-game-*']],
    ['http://galaxy-game-orion/', ['galaxy-game-*']],
    ['HTTP://galaxy-game-orion:8080', ['galaxy-game-*']],
    ['Https://galaxy-game-orion', ['galaxy-game-*']],
    ['http://GALAXY-game-orion:8080', ['galaxy-game-*']],
    ['http://galaxy-game-orion', ['GALAXY-GAME-*']],
    ['http://galaxy-game-', ['galaxy-game-*']],
    ['http://a.engines.example:1', ['b.example', '*.engines.example']],
    ['http://galaxy-game-1.:8080', ['galaxy-game-1']],
    ['http://127.0.0.1:8080', ['127.0.0.1']],
    ['http://127.0.0.1:8080', ['127.*']],
    ['http://2130706433:8080', ['127.0.0.1']],
    ['http://localhost:8080', ['localhost']],
    ['http://[::1]:8080', ['[::1]']],
    ['http://[::1]:8080', ['::1']],
    ['http://[0:0::1]:8080', ['::1']],
    ['http://10.0.0.7', everywhere],
    ['http://galaxy_game_1:8080', everywhere],
  ])('%s where %j is listed', (endpoint, patterns) => {
    expect(refuseEndpoint(endpoint, patterns)).toBeUndefined();
  });
});

describe('an engine endpoint may not be', () => {
  it.each([
    ['http://example.com:8080', ['galaxy-game-*']],
    ['http://evil.galaxy-game-1', ['galaxy-game-*']],
    ['http://127.0.0.1:8080', ['galaxy-game-*']],
    ['http://0x7f.1:8080', ['galaxy-game-*']],
    ['http://localhost', ['127.0.0.1']],
    ['http://[::1]', ['galaxy-game-*', '127.0.0.1']],
    ['http://galaxy-game-x', ['galaxy.game-*']],
    ['http://galaxy-game-x', []],
  ])('%s where only %j is listed', (endpoint, patterns) => {
    expect(refuseEndpoint(endpoint, patterns)).toMatch(/^host .* is not one that engines may have$/);
  });

  it.each([
    'http://169.254.169.254',
    'http://169.254.169.254:80/',
    'http://169.254.1.1.',
    'http://0xa9.0xfe.0xa9.0xfe',
    'http://0xa9fea9fe',
    'http://2852039166',
    'http://0251.0376.0251.0376',
    'http://169.254.43518',
    'http://①⑥⑨.254.169.254',
    'http://[fe80::1]',
    'http://[FE80:0:0::1]:8080',
    'http://[febf::1]',
    'http://[::ffff:169.254.169.254]',
    'http://[::ffff:a9fe:a9fe]',
    'http://[64:ff9b::a9fe:a9fe]',
  ])('link-local, however it is written: %s', (endpoint) => {
    expect(refuseEndpoint(endpoint, everywhere)).toBe('must not be a link-local address');
  });

  it.each([
    ['another scheme', 'ftp://galaxy-game-1'],
    ['no scheme', 'galaxy-game-1:8080'],
    ['no host', 'http://'],
    ['only a port', 'http://:8080'],
    ['credentials', 'http://user:secret@galaxy-game-1'],
    ['a user', 'http://user@galaxy-game-1'],
    ['a path', 'http://galaxy-game-1/api'],
    ['two slashes', 'http://galaxy-game-1//'],
    ['dots for a path', 'http://galaxy-game-1/..'],
    ['a query', 'http://galaxy-game-1?x=1'],
    ['an empty query', 'http://galaxy-game-1/?'],
    ['a fragment', 'http://galaxy-game-1#x'],
    ['a backslash', 'http://galaxy-game-1\\@169.254.169.254'],
    ['a space', 'http://galaxy-game-1 .example'],
    ['a tab', 'http://galaxy-game\t-1'],
    ['a line end', 'http://galaxy-game-1\n'],
    ['a port too high', 'http://galaxy-game-1:65536'],
    ['port 0', 'http://galaxy-game-1:0'],
    ['a port that is none', 'http://galaxy-game-1:http'],
    ['an address that is none', 'http://1.2.3.256'],
    ['half an IPv6 address', 'http://[::1'],
    ['IPv6 with a zone', 'http://[fe80::1%25eth0]'],
    ['a forbidden sign', 'http://galaxy^game'],
    ['a long host', `http://galaxy-game-${'x'.repeat(512)}`],
    ['nothing', ''],
  ])('%s', (_what, endpoint) => {
    expect(refuseEndpoint(endpoint, everywhere)).toMatch(/^must /);
  });
});
