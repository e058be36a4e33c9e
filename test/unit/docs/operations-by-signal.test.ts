import * as messages from '../../../workflows/messages';
import { namedRows } from './markdown';

/** Sent by the worker, not by people. */
const INTERNAL = ['health'];

it('docs/operations-by-signal.md has every signal for operators, and no other', () => {
  const signals = Object.values(messages)
    .filter((message) => typeof message === 'object' && message.type === 'signal')
    .map(({ name }) => name)
    .filter((name) => !INTERNAL.includes(name));
  // The document's other tables are of search attributes, with capitals, and of error codes.
  const rows = namedRows('docs/operations-by-signal.md').filter(({ name }) => /^[a-z-]+$/.test(name));
  expect(rows.map(({ name }) => name).sort()).toEqual(signals.sort());
});
