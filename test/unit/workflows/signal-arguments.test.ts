import { forceBodyProblem, identityOf, stopBodyProblem } from '../../../workflows/signal-arguments';

describe('the argument of force-next-turn', () => {
  it.each([[undefined], [null], [{}]])('may be %p', (body) => {
    expect(forceBodyProblem(body)).toBeNull();
  });

  it.each([['now'], [1], [true], [[]], [[{}]]])('may not be %p', (body) => {
    expect(forceBodyProblem(body)).toContain('must be an object');
  });

  it('has no fields', () => {
    expect(forceBodyProblem({ reason: 'late' })).toBe('unknown field reason');
  });
});

describe('the argument of stop', () => {
  it.each([['x'], ['x'.repeat(500)], ['Grund: “Übung” ☂']])('may give the reason %p', (reason) => {
    expect(stopBodyProblem({ reason })).toBeNull();
  });

  it.each([[''], ['x'.repeat(501)], [7], [null], [undefined], [['x']]])(
    'may not give the reason %p',
    (reason) => {
      expect(stopBodyProblem({ reason })).toBe('reason must be a text of 1 to 500 characters');
    },
  );

  it.each([[undefined], [null], ['stop'], [['stop']], [3]])('may not be %p', (body) => {
    expect(stopBodyProblem(body)).toContain('must be {"reason"');
  });

  it('has no other field', () => {
    expect(stopBodyProblem({ reason: 'x', force: true })).toBe('unknown field force');
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
  ])('is a person with %p', (unsigned) => {
    expect(identityOf(unsigned)).toBeNull();
  });

  it('counts for nobody that it is not', () => {
    expect(identityOf({ ...sender, source: 'scheduler', actor: {} })).toEqual({
      key: 'k',
      hash: 'h',
      source: null,
      actor: null,
    });
  });
});
