import { comparePrecedence, isExactSemver, isPatchUpgrade } from '../../../domain/engine-version';

describe('an exact semantic version', () => {
  it.each([
    '0.0.0',
    '0.0.1',
    '1.4.2',
    '10.20.30',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-0.3.7',
    '1.0.0-x.7.z.92',
    '1.0.0-x-y-z.--',
    '1.0.0-0A.is.legal',
    '1234567890123456.0.0',
    '9007199254740991.0.0',
  ])('%s is one', (text) => {
    expect(isExactSemver(text)).toBe(true);
  });

  it.each([
    '',
    '1',
    '1.2',
    '1.2.3.4',
    'v1.2.3',
    '=1.2.3',
    ' 1.2.3',
    '1.2.3 ',
    '1.2.3\n',
    '01.2.3',
    '1.02.3',
    '1.2.03',
    '1.2.3-',
    '1.2.3-01',
    '1.2.3-a..b',
    '1.2.3-ä',
    '1.2.3+build',
    '1.2.3-rc.1+build',
    '-1.2.3',
    '1.2.x',
    '^1.2.3',
    'latest',
    '１.2.3',
    '9007199254740992.0.0',
    '10000000000000000.0.0',
    `1.2.3-${'a'.repeat(251)}`,
  ])('%j is none', (text) => {
    expect(isExactSemver(text)).toBe(false);
  });
});

test('versions are ordered by precedence, not by their text', () => {
  const ordered = [
    '0.9.10',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.2.9',
    '1.2.10',
    '1.10.0',
    '2.0.0',
  ];
  expect([...ordered].reverse().sort(comparePrecedence)).toEqual(ordered);
  expect(comparePrecedence('1.2.3', '1.2.3')).toBe(0);
});

describe('a patch upgrade', () => {
  it.each([
    ['1.4.2', '1.4.3'],
    ['1.4.2', '1.4.20'],
    ['1.4.9', '1.4.10'],
    ['0.1.0', '0.1.1'],
    ['1.4.2-rc.1', '1.4.3'],
    ['1.4.9007199254740990', '1.4.9007199254740991'],
  ])('is %s to %s', (from, to) => {
    expect(isPatchUpgrade(from, to)).toBe(true);
  });

  it.each([
    ['the same version', '1.4.2', '1.4.2'],
    ['a smaller patch', '1.4.2', '1.4.1'],
    ['another minor', '1.4.2', '1.5.3'],
    ['a smaller minor', '1.4.2', '1.3.9'],
    ['another major', '1.4.2', '2.4.3'],
    ['a prerelease', '1.4.2', '1.4.3-rc.1'],
    ['the release of a prerelease', '1.4.2-rc.1', '1.4.2'],
    ['no version', '1.4.2', 'latest'],
  ])('is not %s', (_what, from, to) => {
    expect(isPatchUpgrade(from, to)).toBe(false);
  });
});
