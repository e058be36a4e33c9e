import { Counter, Registry } from 'prom-client';
import { createLogger } from '../../service/logging';
import { MembershipNotices } from '../operations/membership-notices';

test('of many games are sent a few at a time, and each that fails is counted', async () => {
  const sent = new Counter({ name: 'sent', help: 'x', labelNames: ['outcome'], registers: [new Registry()] });
  const log = createLogger({ level: 'silent', name: 'test' });
  const told: string[] = [];
  let underWay = 0;
  let most = 0;
  const gameMaster = {
    async invalidateMemberships(gameId: string) {
      told.push(gameId);
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      if (gameId.endsWith('3')) throw new Error('not now');
    },
  };
  const gameIds = Array.from({ length: 20 }, (_, i) => `game-${i}`);
  await new MembershipNotices(gameMaster, sent, log).changedIn(gameIds);
  expect([told, most]).toEqual([gameIds, 8]);
  expect((await sent.get()).values).toEqual([
    { labels: { outcome: 'success' }, value: 18 },
    { labels: { outcome: 'failure' }, value: 2 },
  ]);
});
