import { isStorableText, storableText } from '../../../domain/text';

it.each([
  ['plain', 'plain'],
  ['Übung ☂ 🌊', 'Übung ☂ 🌊'],
  ['lines\nand\ttabs', 'lines\nand\ttabs'],
  ['a\0b', 'a\ufffdb'],
  ['a\ud800b', 'a\ufffdb'],
  ['a\udc00', 'a\ufffd'],
  ['\udc00\ud800', '\ufffd\ufffd'],
])('%j is kept as %j', (text, kept) => {
  expect(storableText(text)).toBe(kept);
  expect(isStorableText(text)).toBe(text === kept);
});

it('is cut, and not to half a character', () => {
  expect(storableText('x'.repeat(1_001))).toBe('x'.repeat(1_000));
  expect(storableText('🌊'.repeat(3), 3)).toBe('🌊\ufffd');
});
