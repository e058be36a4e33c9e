import { once } from 'node:events';
import { Redis } from 'ioredis';
import {
  gameFinished,
  gameGenerationFailed,
  gameTurnReady,
  lobbyRuntimePausedAfterStart,
  toStreamFields,
  type NotificationIntent,
} from '../../../pkg/notificationintent';
import { MailCatcher, type CaughtMail, type MailCatcherOptions } from '../../../tools/demo/mail-catcher';
import { ServiceProcess } from '../../support/service-process';
import { freePort, freshGameId, freshKeyPrefix, ownStack, waitFor } from '../../support/stack';
import { TcpProxy } from '../../support/tcp-proxy';
import { OpenApiDocument } from '../../unit/contracts/openapi-document';

const contract = new OpenApiDocument('platform/notification/openapi.yaml');

interface Delivery {
  delivery_id: string;
  channel: string;
  recipient: string;
  status: string;
  attempts: number;
  last_error: string | null;
  title: string;
  next_attempt_at: string | null;
  settled_at: string | null;
}

let stack: Awaited<ReturnType<typeof ownStack<'redis'>>>;
let redis: Redis;
let prefix: string;
let gameId: string;
/** What a test started, ended in the opposite order. */
let ends: (() => Promise<unknown>)[];

beforeAll(async () => {
  stack = await ownStack(['redis']);
  redis = new Redis(stack.redis.url);
  redis.on('error', () => undefined);
});
beforeEach(() => {
  prefix = freshKeyPrefix();
  gameId = freshGameId();
  ends = [];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
});
afterAll(async () => {
  redis.disconnect();
  await stack.stop();
});

async function mailServer(options?: MailCatcherOptions): Promise<MailCatcher> {
  const catcher = await MailCatcher.start(options);
  ends.push(() => catcher.close());
  return catcher;
}

/** A process that has not been waited for. */
function begin(baseUrl: string, env: Record<string, string>): ServiceProcess {
  const service = new ServiceProcess('notification', 'platform/notification/main.js', baseUrl, {
    NOTIFICATION_HTTP_ADDR: baseUrl.slice('http://'.length),
    ...env,
  });
  ends.push(() => service.stop());
  return service;
}

/** A process that is ready. */
async function notification(
  smtpUrl: string,
  env: Record<string, string> = {},
  redisUrl = stack.redis.url,
): Promise<ServiceProcess> {
  const service = begin(`http://127.0.0.1:${await freePort()}`, {
    ...environment(smtpUrl, redisUrl),
    ...env,
  });
  await service.untilReady();
  return service;
}

/** Its exit code, once all that it printed is read. */
async function endOf({ child }: ServiceProcess): Promise<number | null> {
  await once(child, 'close');
  return child.exitCode;
}

const environment = (smtpUrl: string, redisUrl: string): Record<string, string> => ({
  NOTIFICATION_REDIS_URL: redisUrl,
  NOTIFICATION_SMTP_URL: smtpUrl,
  NOTIFICATION_SMTP_TIMEOUT: '8s',
  NOTIFICATION_EMAIL_FROM: 'Galaxy <galaxy@example.com>',
  NOTIFICATION_ADMIN_EMAILS: 'op@example.com, chief@example.com',
  NOTIFICATION_STREAM_INTENTS: `${prefix}intents`,
  NOTIFICATION_STREAM_PUSH: `${prefix}push`,
  NOTIFICATION_KEY_PREFIX: `${prefix}state`,
  NOTIFICATION_RETRY_FIRST: '100ms',
  NOTIFICATION_RETRY_LONGEST: '400ms',
  NOTIFICATION_TAKEOVER_AFTER: '5s',
});

const occurred = () => ({ gameId, registrationId: 'run-1', occurredAtMs: 1_773_424_802_117 });
const turnReady = (turnNumber: number, recipientUserIds = ['ann', 'bob']) =>
  gameTurnReady({ ...occurred(), turnNumber, recipientUserIds });
const turnFailed = (turnNumber: number) =>
  gameGenerationFailed({
    ...occurred(),
    occurrenceId: `op-${turnNumber}`,
    turnNumber,
    failureReason: 'engine_unreachable',
  });

async function tell(...intents: NotificationIntent[]): Promise<void> {
  for (const intent of intents) await add(toStreamFields(intent));
}

const add = (fields: Record<string, string>) =>
  redis.xadd(`${prefix}intents`, '*', ...Object.entries(fields).flat());

async function entriesOf(stream: string): Promise<Record<string, string>[]> {
  const entries = await redis.xrange(`${prefix}${stream}`, '-', '+');
  return entries.map(([, flat]) => {
    const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : []));
    return Object.fromEntries(pairs) as Record<string, string>;
  });
}

/** An answer that has to be as the contract says. */
async function get<T>({ baseUrl }: ServiceProcess, path: string, schema: string): Promise<[number, T]> {
  const answer = await fetch(`${baseUrl}${path}`);
  const body: unknown = await answer.json();
  const fits = contract.compile(contract.at(`/components/schemas/${schema}`));
  if (!fits(body))
    throw new Error(`${path}: ${JSON.stringify(body)} is no ${schema}: ${JSON.stringify(fits.errors)}`);
  return [answer.status, body as T];
}

async function page(service: ServiceProcess, query = '') {
  const path = `/api/v1/internal/deliveries${query}`;
  const [, found] = await get<{ deliveries: Delivery[]; next_cursor: string | null }>(
    service,
    path,
    'DeliveryPage',
  );
  return found;
}

const deliveriesOf = async (service: ServiceProcess): Promise<Delivery[]> =>
  (await page(service, `?game_id=${gameId}`)).deliveries;

/** Waits for this answer of its readiness: what takes longer than a second counts as down. */
async function untilReadiness(service: ServiceProcess, status: number, checks: object): Promise<void> {
  await waitFor(
    async () => {
      const expected = [status, { status: status === 200 ? 'ready' : 'not_ready', checks }];
      expect(await get(service, '/readyz', 'Readiness')).toEqual(expected);
      return true;
    },
    // The mail server is asked again after a quarter of a minute only.
    { timeout: 40_000, describe: `readiness ${status}` },
  );
}

/** Waits until there are so many deliveries of the game and all are settled. */
async function untilSettled(service: ServiceProcess, count: number): Promise<Delivery[]> {
  let found: Delivery[] = [];
  await waitFor(
    async () => {
      found = await deliveriesOf(service);
      return found.length === count && found.every(({ status }) => status !== 'pending');
    },
    { describe: () => `${count} settled deliveries; there are ${JSON.stringify(found)}` },
  );
  return found;
}

const metric = async ({ baseUrl }: ServiceProcess, line: string): Promise<number> => {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length) ?? 0,
  );
};

test('players are pushed to, administrators get mail, and every delivery can be looked up', async () => {
  const catcher = await mailServer();
  const service = await notification(catcher.url);
  await tell(
    turnReady(1),
    turnFailed(2),
    gameFinished({ ...occurred(), finalTurnNumber: 3, recipientUserIds: ['ann'] }),
    lobbyRuntimePausedAfterStart({ gameId, gameName: 'Schlacht um Örion', occurredAtMs: 1 }),
  );
  const settled = await untilSettled(service, 7);
  expect(settled.every(({ status, attempts }) => status === 'delivered' && attempts === 1)).toBe(true);

  const pushed = await entriesOf('push');
  expect(pushed.map(({ user_id, title }) => `${user_id}: ${title}`).sort()).toEqual([
    `ann: Turn 1 of ${gameId} is ready`,
    `ann: ${gameId} finished with turn 3`,
    `bob: Turn 1 of ${gameId} is ready`,
  ]);
  const finished = pushed.find(({ notification_type }) => notification_type === 'game.finished');
  expect(JSON.parse(finished?.['payload'] ?? '')).toEqual({ game_id: gameId, final_turn_number: 3 });

  const told = catcher.mails.map(({ to, subject }) => `${to.join()}: ${subject}`);
  expect(told.sort()).toEqual(
    [
      `chief@example.com: Turn 2 of ${gameId} could not be made`,
      `chief@example.com: ${gameId} is paused after its start`,
      `op@example.com: Turn 2 of ${gameId} could not be made`,
      `op@example.com: ${gameId} is paused after its start`,
    ].sort(),
  );
  const failure = catcher.mails.find(({ subject }) => subject.includes('could not')) as CaughtMail;
  expect(failure.text).toContain('engine_unreachable');
  expect(failure.headers).toMatchObject({
    from: 'Galaxy <galaxy@example.com>',
    'x-galaxy-game': gameId,
    'auto-submitted': 'auto-generated',
  });
  expect(catcher.mails.find(({ subject }) => subject.includes('paused'))?.text).toContain(
    'Schlacht um Örion',
  );
  expect(new Set(catcher.mails.map(({ messageId }) => messageId)).size).toBe(4);

  // Page by page, and of this game alone.
  await tell({ ...turnReady(1), idempotency_key: 'other', payload: { game_id: 'other', turn_number: 1 } });
  await waitFor(async () => (await page(service)).deliveries.length === 9);
  const first = await page(service, `?game_id=${gameId}&limit=4`);
  const last = await page(service, `?game_id=${gameId}&cursor=${first.next_cursor}`);
  expect([...first.deliveries, ...last.deliveries]).toEqual(settled);
  expect([first.deliveries.length, last.next_cursor]).toEqual([4, null]);
  const wrong = '/api/v1/internal/deliveries?game_id=no%20id&colour=red';
  const invalid = { error: { code: 'invalid_request' } };
  expect(await get(service, wrong, 'Error')).toMatchObject([400, invalid]);

  expect(await metric(service, 'notification_deliveries_total{channel="email",outcome="delivered"}')).toBe(4);
  expect(await metric(service, 'notification_deliveries_waiting{channel="push"}')).toBe(0);
});

test('an intent is followed once for each key, and what nobody understands is put aside', async () => {
  const catcher = await mailServer();
  const service = await notification(catcher.url);
  const good = toStreamFields(turnReady(1));
  await tell(turnReady(1));
  await add({ ...good, notification_type: 'game.paused' });
  await add({ ...good, idempotency_key: 'k', payload: '{"game_id":"orion","turn_number":"1"}' });
  await tell({ ...turnReady(1), occurred_at_ms: 5 });
  await tell({ ...turnReady(7), idempotency_key: turnReady(1).idempotency_key });
  await tell(turnReady(2, ['ann']));

  const settled = await untilSettled(service, 3);
  expect(settled.map(({ recipient, title }) => `${recipient}: ${title}`)).toEqual(
    expect.arrayContaining([
      `ann: Turn 1 of ${gameId} is ready`,
      `bob: Turn 1 of ${gameId} is ready`,
      `ann: Turn 2 of ${gameId} is ready`,
    ]) as string[],
  );
  expect(await entriesOf('push')).toHaveLength(3);
  await waitFor(
    async () =>
      (await metric(
        service,
        `notification_intents_total{notification_type="game.turn.ready",fate="conflicting"}`,
      )) === 1,
  );
  expect(
    await metric(service, `notification_intents_total{notification_type="game.turn.ready",fate="duplicate"}`),
  ).toBe(1);
  // One of them has a key of its own, and is not in line with the others.
  await waitFor(async () => (await entriesOf('intents:dead')).length >= 2);
  const dead = await entriesOf('intents:dead');
  expect(dead).toHaveLength(2);
  expect(dead.find(({ idempotency_key }) => idempotency_key === 'k')?.['reason']).toContain('turn_number');
  expect(dead.find(({ notification_type }) => notification_type === 'game.paused')).toMatchObject({
    ...good,
    notification_type: 'game.paused',
    reason: expect.stringContaining('notification_type') as string,
  });
});

test('mail waits for its server, and what the server refuses for good does not wait', async () => {
  const refused = new Set(['chief@example.com']);
  let isBusy = true;
  const catcher = await mailServer({
    onMail: () => {
      if (isBusy) throw Object.assign(new Error('later'), { responseCode: 451 });
    },
    server: {
      onRcptTo: ({ address }, _session, answer) => {
        answer(refused.has(address) ? Object.assign(new Error('nobody here'), { responseCode: 550 }) : null);
      },
    },
  });
  const { proxy, url } = await TcpProxy.before(catcher.url);
  ends.push(() => proxy.close());
  await proxy.setMode('refuse');
  // Long enough for a server that answers, short for one that does not.
  const service = await notification(url, { NOTIFICATION_SMTP_TIMEOUT: '3s' });
  const to = async (recipient: string) =>
    (await deliveriesOf(service)).find((each) => each.recipient === recipient);

  await tell(turnFailed(1), turnReady(1));
  // Pushes do not wait for mail.
  await waitFor(async () => (await entriesOf('push')).length === 2);
  await waitFor(async () => ((await to('op@example.com'))?.attempts ?? 0) >= 2);
  expect(await to('op@example.com')).toMatchObject({ status: 'pending', settled_at: null });
  await untilReadiness(service, 200, { redis: 'up', smtp: 'down' });

  // A server that accepts connections and says nothing is given up.
  await proxy.setMode('blackhole');
  const before = proxy.accepted;
  await waitFor(() => proxy.accepted >= before + 3);
  await proxy.setMode('pass');
  await waitFor(async () => ((await to('op@example.com'))?.last_error ?? '').includes('later'));
  await waitFor(async () => (await to('chief@example.com'))?.status !== 'pending');
  expect(await to('chief@example.com')).toMatchObject({
    status: 'rejected',
    next_attempt_at: null,
    last_error: expect.stringContaining('nobody here') as string,
  });

  isBusy = false;
  await untilSettled(service, 4);
  // One whose answer came too late is sent again under its Message-ID.
  const mails = new Map(catcher.mails.map((mail) => [mail.messageId, mail.to]));
  expect([...mails.values()]).toEqual([['op@example.com']]);
});

test('a mail server is not logged in to for every probe', async () => {
  const catcher = await mailServer();
  const { proxy, url } = await TcpProxy.before(catcher.url);
  ends.push(() => proxy.close());
  const service = await notification(url);
  for (const path of ['/readyz', '/metrics', '/readyz']) await fetch(`${service.baseUrl}${path}`);
  expect(proxy.accepted).toBe(1);
});

test('killed at any moment it goes on where it was: nothing is lost, mail twice only with its own Message-ID', async () => {
  // The first mail is taken, and the process dies before it hears so.
  let taken: () => void = () => undefined;
  const firstTaken = new Promise<void>((resolve) => (taken = resolve));
  const mails: CaughtMail[] = [];
  const catcher = await mailServer({
    onMail: async (mail) => {
      mails.push(mail);
      taken();
      if (mails.length === 1) await died;
    },
  });
  const run = () =>
    notification(catcher.url, {
      NOTIFICATION_ADMIN_EMAILS: 'op@example.com',
      NOTIFICATION_TAKEOVER_AFTER: '1s',
    });
  const first = await run();
  let isDead: () => void = () => undefined;
  const died = new Promise<void>((resolve) => (isDead = resolve));
  await tell(turnFailed(1));
  await firstTaken;
  await first.crash();
  isDead();

  // More is told while it is away, and it dies in the middle of that too.
  const turns = Array.from({ length: 60 }, (_, i) => i + 1);
  await tell(...turns.map((turn) => turnReady(turn)));
  const second = await run();
  await waitFor(async () => (await entriesOf('push')).length > 0, { interval: 1 });
  await second.crash();
  const service = await run();

  await waitFor(async () => (await entriesOf('push')).length >= 120);
  await waitFor(() => mails.length >= 2);
  await waitFor(async () => (await metric(service, 'notification_deliveries_waiting{channel="push"}')) === 0);
  await waitFor(
    async () => (await metric(service, 'notification_deliveries_waiting{channel="email"}')) === 0,
  );
  // What was taken in and not acknowledged comes again, and is known.
  await waitFor(async () => {
    const [unsettled] = (await redis.xpending(`${prefix}intents`, 'notification')) as [number];
    return unsettled === 0;
  });
  const pushed = (await entriesOf('push')).map(({ user_id, title }) => `${user_id} ${title}`);
  expect(pushed).toHaveLength(120);
  expect(new Set(pushed).size).toBe(120);
  // Once more for each process that died, if it died between the mail and the note of it.
  expect(mails.length).toBeLessThanOrEqual(3);
  expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1);
});

test('a redis that restarts, is silent or loses answers costs nothing, and sends nothing twice', async () => {
  const catcher = await mailServer();
  const { proxy, url } = await TcpProxy.before(stack.redis.url);
  ends.push(() => proxy.close());
  const service = await notification(catcher.url, {}, url);

  await proxy.setMode('lose-replies');
  await tell(turnReady(1), turnFailed(1));
  const before = proxy.accepted;
  await waitFor(() => proxy.accepted > before + 3);
  await proxy.setMode('pass');
  await untilSettled(service, 4);

  await proxy.setMode('blackhole');
  await tell(turnReady(2), turnFailed(2));
  await untilReadiness(service, 503, { redis: 'down', smtp: 'up' });
  const away = { error: { code: 'service_unavailable' } };
  expect(await get(service, '/api/v1/internal/deliveries', 'Error')).toMatchObject([503, away]);
  await proxy.setMode('pass');
  await untilSettled(service, 8);

  await stack.redis.server?.stop();
  await stack.redis.server?.start();
  await waitFor(() => redis.ping());
  await tell(turnReady(3), turnFailed(3));
  const settled = await untilSettled(service, 12);

  expect(settled.every(({ status }) => status === 'delivered')).toBe(true);
  expect(await entriesOf('push')).toHaveLength(6);
  expect(catcher.mails).toHaveLength(6);
});

test('wrong settings are told all at once; SIGTERM ends it in good order, with the mail under way', async () => {
  const env = {
    NOTIFICATION_SMTP_URL: 'mail.example.com',
    NOTIFICATION_SMTP_TIMEOUT: '1m',
    NOTIFICATION_ADMIN_EMAILS: 'op',
  };
  const wrong = begin('http://127.0.0.1:1', env);
  expect(await endOf(wrong)).toBe(1);
  expect(wrong.lines).toEqual([
    'Invalid configuration:',
    'NOTIFICATION_REDIS_URL is required',
    'NOTIFICATION_SMTP_URL must be a URL that begins with smtp:// or smtps://',
    'NOTIFICATION_EMAIL_FROM is required',
    'NOTIFICATION_ADMIN_EMAILS must be e-mail addresses, separated by commas',
    expect.stringMatching(
      /^NOTIFICATION_SMTP_TIMEOUT and NOTIFICATION_SHUTDOWN_TIMEOUT must be in this order/,
    ),
  ]);

  const running: { service?: ServiceProcess } = {};
  const catcher = await mailServer({
    onMail: async () => {
      running.service?.kill('SIGTERM');
      await waitFor(() => running.service?.lines.some((line) => line.includes('stopping')));
    },
  });
  const service = await notification(catcher.url, {
    NOTIFICATION_ADMIN_EMAILS: 'op@example.com',
    NOTIFICATION_TYPO: '1',
  });
  running.service = service;
  await tell(turnFailed(1));
  expect(await endOf(service)).toBe(0);
  expect(catcher.mails).toHaveLength(1);
  expect(service.lines.some((line) => line.includes('NOTIFICATION_TYPO is set'))).toBe(true);
  const logged = service.lines.map((line) => JSON.parse(line) as { msg: string; game_id?: string });
  expect(logged.find(({ msg }) => msg === 'delivered')).toMatchObject({ game_id: gameId });
  expect(await redis.zcard(`{${prefix}state}:due:email`)).toBe(0);
});
