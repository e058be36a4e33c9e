import { Inbox, type Call } from '../../../workflows/inbox';

const nobody = (): void => undefined;
let made = 0;

function call<Kind extends Call['kind']>(kind: Kind): Extract<Call, { kind: Kind }> {
  made += 1;
  return {
    kind,
    body: {},
    identity: null,
    via: 'signal',
    operationId: made.toString(),
    startedAt: 0,
    succeed: nobody,
    fail: nobody,
  } as unknown as Extract<Call, { kind: Kind }>;
}

describe('the inbox', () => {
  it('hands out calls in the order they came, each once', () => {
    const inbox = new Inbox();
    const calls = [call('force'), call('refused'), call('force')];
    for (const each of calls) inbox.put(each);
    expect([inbox.take(), inbox.take(), inbox.take(), inbox.take()]).toEqual([...calls, undefined]);
    expect(inbox.isEmpty).toBe(true);
  });

  it('hands out stops before everything, in their order', () => {
    const inbox = new Inbox();
    const [force, first, second] = [call('force'), call('stop'), call('stop')];
    for (const each of [force, first, second]) inbox.put(each);
    expect(inbox.hasStop).toBe(true);
    expect(inbox.takeStop()).toBe(first);
    expect(inbox.take()).toBe(second);
    expect(inbox.hasStop).toBe(false);
    expect(inbox.takeStop()).toBeUndefined();
    expect(inbox.take()).toBe(force);
  });

  it('is full with eight calls that wait; stops and refused signals do not count', () => {
    const inbox = new Inbox();
    for (let waiting = 0; waiting < 7; waiting += 1) inbox.put(call('force'));
    for (let waiting = 0; waiting < 3; waiting += 1) inbox.put(call('stop'));
    inbox.put(call('refused'));
    expect(inbox.isFull).toBe(false);
    inbox.put(call('force'));
    expect(inbox.isFull).toBe(true);
    inbox.take();
    inbox.take();
    inbox.take();
    expect(inbox.isFull).toBe(true);
    inbox.take();
    expect(inbox.isFull).toBe(false);
  });
});
