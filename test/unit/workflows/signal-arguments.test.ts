import { bodyProblem, identityOf } from '../../../workflows/signal-arguments';

describe('the argument of force-next-turn', () => {
  it.each([[undefined], [null], [{}]])('may be %p', (body) => {
    expect(bodyProblem('force', body)).toBeNull();
  });

  it.each([['now'], [1], [true], [[]], [[{}]]])('may not be %p', (body) => {
    expect(bodyProblem('force', body)).toContain('must be an object');
  });

  it('has no fields', () => {
    expect(bodyProblem('force', { reason: 'late' })).toBe('unknown field reason');
  });
});

describe('the argument of stop', () => {
  it.each([['x'], ['x'.repeat(500)], ['🌊'.repeat(500)], ['Grund: “Übung” ☂']])(
    'may give the reason %p',
    (reason) => {
      expect(bodyProblem('stop', { reason })).toBeNull();
    },
  );

  it.each([[''], ['x'.repeat(501)], [7], [null], [undefined], [['x']]])(
    'may not give the reason %p',
    (reason) => {
      expect(bodyProblem('stop', { reason })).toBe('reason must be a text of 1 to 500 characters');
    },
  );

  it.each([[undefined], [null], ['stop'], [['stop']], [3]])('may not be %p', (body) => {
    expect(bodyProblem('stop', body)).toContain('must be {"reason"');
  });

  it('has no other field', () => {
    expect(bodyProblem('stop', { reason: 'x', force: true })).toBe('unknown field force');
  });
});

describe('the arguments of patch and banish', () => {
  it.each([
    ['patch', { version: '1.0.1' }],
    ['banish', { race_name: 'Borg' }],
  ] as const)('%s takes %p', (kind, body) => {
    expect(bodyProblem(kind, body)).toBeNull();
  });

  it.each([
    ['patch', {}, 'version must be a text of 1 to 256 characters'],
    ['patch', { version: '1.0.1', force: true }, 'unknown field force'],
    ['banish', { race_name: 'x'.repeat(65) }, 'race_name must be a text of 1 to 64 characters'],
    ['banish', { race_name: 'a\0b' }, 'race_name must be a text of 1 to 64 characters'],
    ['banish', { race_name: 'a\ud800' }, 'race_name must be a text of 1 to 64 characters'],
    ['patch', { version: '\udfff1' }, 'version must be a text of 1 to 256 characters'],
    ['patch', { version: '1.0.1', 'a\0\ud800': true }, 'unknown field a\ufffd\ufffd'],
    ['banish', 'Borg', 'the argument must be {"race_name": "..."}'],
  ] as const)('%s refuses %p', (kind, body, problem) => {
    expect(bodyProblem(kind, body)).toBe(problem);
  });
});

describe('the sender of a signal', () => {
  const sender = { key: 'k', hash: 'h', source: 'admin', actor: 'eve' };

  it('is known when the front door signs', () => {
    expect(identityOf(sender)).toEqual(sender);
  });

  it.each([
    [undefined],
    [null],
    ['k'],
    [{}],
    [{ key: 'k' }],
    [{ ...sender, key: 1 }],
    [{ ...sender, hash: null }],
    [{ ...sender, key: 'a\0' }],
    [{ ...sender, key: 'k'.repeat(129) }],
    [{ ...sender, hash: '\ud800' }],
  ])('is a person with %p', (unsigned) => {
    expect(identityOf(unsigned)).toBeNull();
  });

  it('counts for nobody that it is not', () => {
    expect(identityOf({ ...sender, source: 'scheduler', actor: 'e\0ve' })).toEqual({
      key: 'k',
      hash: 'h',
      source: null,
      actor: null,
    });
  });
});
