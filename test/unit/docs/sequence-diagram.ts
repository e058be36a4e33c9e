/** A line of a diagram that would not be drawn, or not as it reads. */
export class BadDiagram extends Error {
  override readonly name = 'BadDiagram';
}

const PARTICIPANT = /^(?:participant|actor) (\w+)(?: as (.+))?$/;
const MESSAGE = /^(\w+) ?(?:->>|-->>|->|-->|-x|--x|-\)|--\)) ?(\w+): ?(.+)$/;
const NOTE = /^Note (?:(?:left|right) of (\w+)|over (\w+)(?:, ?(\w+))?): ?(.+)$/;
const BLOCK = /^(alt|opt|loop|par|critical|break|else|and|option)(?: (.+))?$/;
/** What each divider divides. */
const DIVIDES: Record<string, string> = { else: 'alt', and: 'par', option: 'critical' };
/** Mermaid ends a statement at `;`, and takes `#` for the begin of an entity or a comment. */
const UNSAFE = /[;#]/;
/** Mermaid takes it for the end of a block wherever it can be an identifier. */
const RESERVED = new Set(['end', 'participant', 'actor', 'note', 'loop', 'alt', 'opt', 'par', 'as']);

/**
 * Checks that Mermaid can draw the sequence diagram: a part of its grammar, with less freedom than Mermaid gives, so
 * that what passes here passes there. Participants have to be declared, which Mermaid does not ask for and which finds
 * misspelt ones. Returns the number of messages.
 * @throws BadDiagram naming the first line that is wrong
 */
export function readSequenceDiagram(source: string): number {
  const [first, ...lines] = source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('%%'));
  if (first !== 'sequenceDiagram') throw new BadDiagram(`begins with ${first ?? 'nothing'}`);
  const participants = new Set<string>();
  const open: string[] = [];
  let messages = 0;
  for (const line of lines) {
    const problem = (what: string) => new BadDiagram(`${line}: ${what}`);
    const mustKnow = (names: (string | undefined)[]) => {
      for (const name of names) {
        if (name !== undefined && !participants.has(name)) throw problem(`nobody is ${name}`);
      }
    };
    if (UNSAFE.test(line)) throw problem('a semicolon or a hash');
    const [, id] = PARTICIPANT.exec(line) ?? [];
    const [, from, to] = MESSAGE.exec(line) ?? [];
    const note = NOTE.exec(line);
    const [, block = ''] = BLOCK.exec(line) ?? [];
    if (line === 'autonumber') continue;
    if (line === 'end') {
      if (open.pop() === undefined) throw problem('nothing is open');
    } else if (id !== undefined) {
      if (participants.has(id) || RESERVED.has(id.toLowerCase())) throw problem('not a name that is free');
      participants.add(id);
    } else if (from !== undefined) {
      mustKnow([from, to]);
      messages += 1;
    } else if (note) {
      mustKnow(note.slice(1, 4));
    } else if (block in DIVIDES) {
      if (open.at(-1) !== DIVIDES[block]) throw problem(`is in no ${String(DIVIDES[block])}`);
    } else if (block !== '') {
      open.push(block);
    } else throw problem('is no statement');
  }
  if (open.length > 0) throw new BadDiagram(`${open.join(', ')} never ends`);
  return messages;
}
