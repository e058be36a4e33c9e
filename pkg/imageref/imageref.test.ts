import { isImageReference } from './index';

const sha256 = `sha256:${'0123456789abcdef'.repeat(4)}`;
const sha512 = `sha512:${'0123456789abcdef'.repeat(8)}`;

describe('an image reference', () => {
  it.each([
    'engine:1.4.2',
    'galaxy/engine:1.4.2',
    'registry.example/galaxy/engine:1.4.2',
    'registry.example:5000/galaxy/engine:1.4.2',
    'localhost:5000/engine:latest',
    'localhost/engine:latest',
    'Registry.Example/engine:1',
    '10.0.0.7:5000/engine:1',
    '[::1]:5000/engine:1',
    '[2001:DB8::1]/galaxy/engine:1',
    `[2001:db8::1]:5000/engine@${sha256}`,
    'a/b/c/d/e:f',
    'my_engine:1',
    'my__engine:1',
    'my-engine:1',
    'my---engine:1',
    'my.engine:1',
    'engine:V1.4_rc-2',
    'engine:_private',
    `engine:${'a'.repeat(128)}`,
    `engine@${sha256}`,
    `registry.example/engine@${sha512}`,
    `registry.example:5000/engine:1.4.2@${sha256}`,
    `${'a'.repeat(255)}:1`,
    `${'0123456789abcdef'.repeat(4)}:1`,
  ])('may be %s', (text) => {
    expect(isImageReference(text)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['no tag and no digest', 'registry.example/galaxy/engine'],
    ['a port that is no tag', 'registry.example:5000/engine'],
    ['an empty tag', 'engine:'],
    ['two tags', 'engine:1:2'],
    ['a tag that begins with a dot', 'engine:.1'],
    ['a tag that begins with a dash', 'engine:-1'],
    ['a tag too long', `engine:${'a'.repeat(129)}`],
    ['capitals in the path', 'registry.example/Galaxy/engine:1'],
    ['a capital first name', 'Engine:1'],
    ['a scheme', 'https://registry.example/engine:1'],
    ['a leading slash', '/engine:1'],
    ['a trailing slash', 'registry.example/engine/:1'],
    ['an empty component', 'registry.example//engine:1'],
    ['three underscores', 'my___engine:1'],
    ['mixed separators', 'my._engine:1'],
    ['a separator at the end', 'engine-:1'],
    ['a separator at the beginning', 'registry.example/-engine:1'],
    ['a host label that ends in a dash', 'registry-.example/engine:1'],
    ['a port that is no number', 'registry.example:port/engine:1'],
    ['an address that is not closed', '[::1/engine:1'],
    ['an address without brackets', '2001:db8::1/engine:1'],
    ['an empty address', '[]/engine:1'],
    ['an address with a zone', '[fe80::1%eth0]/engine:1'],
    ['an IPv4 address in brackets', '[10.0.0.7]/engine:1'],
    ['an address within a name', 'registry.[::1]/engine:1'],
    ['an address that is all there is', '[::1]:5000'],
    ['an address in the path', 'registry.example/[::1]/engine:1'],
    ['spaces', 'engine :1'],
    ['a line end', 'engine:1\n'],
    ['a digest too short', 'engine@sha256:abcdef'],
    ['a digest in capitals', `engine@${sha256.toUpperCase()}`],
    ['an unknown algorithm', `engine@md5:${'0'.repeat(32)}`],
    ['a digest before the tag', `engine@${sha256}:1`],
    ['credentials', 'user:password@registry.example/engine:1'],
    ['letters outside ASCII', 'ëngine:1'],
    ['a name too long', `${'a'.repeat(256)}:1`],
    ['far too much text', `${'a'.repeat(1_000_000)}:1`],
  ])('may not be %s', (_what, text) => {
    expect(isImageReference(text)).toBe(false);
  });
});
