/** Notification: `node dist/platform/notification/main.js`, configured by `NOTIFICATION_*` (README.md). */
import { buildApp, listen } from '../service/http';
import { runService, type ServiceContext } from '../service/process';
import { openRedis } from '../service/redis';
import { StreamConsumer } from '../service/stream-consumer';
import type { ChannelName } from './catalogue';
import type { Channel } from './channel';
import { deliveriesRoute } from './deliveries-route';
import { DeliveryStore } from './delivery-store';
import { Dispatcher } from './dispatcher';
import { Email } from './email';
import { takeIn } from './intents';
import { addMetrics } from './metrics';
import { PushLog } from './push-log';
import { checks, settings } from './settings';

async function start({
  config,
  log,
  metrics: base,
  stopping,
}: ServiceContext<typeof settings>): Promise<() => Promise<void>> {
  const redis = openRedis(config.REDIS_URL, log);
  const store = new DeliveryStore({
    redis,
    keyPrefix: config.KEY_PREFIX,
    retentionMs: config.RETENTION,
    leaseMs: config.TAKEOVER_AFTER,
  });
  const metrics = addMetrics(base, (channel) => store.waiting(channel));
  const email = new Email({
    smtpUrl: config.SMTP_URL,
    from: config.EMAIL_FROM,
    timeoutMs: config.SMTP_TIMEOUT,
  });
  const push = new PushLog({
    redis,
    stream: config.STREAM_PUSH,
    maxLength: config.STREAM_MAX_LENGTH,
    retentionMs: config.RETENTION,
  });
  // A channel that hangs holds up no other.
  const dispatch = (name: ChannelName, channel: Channel): Dispatcher =>
    new Dispatcher({
      name,
      channel,
      store,
      redis,
      leaseMs: config.TAKEOVER_AFTER,
      firstRetryMs: config.RETRY_FIRST,
      longestRetryMs: config.RETRY_LONGEST,
      metrics,
      log,
    });
  const dispatchers = [dispatch('push', push), dispatch('email', email)];
  const consumer = new StreamConsumer({
    redisUrl: config.REDIS_URL,
    stream: config.STREAM_INTENTS,
    group: 'notification',
    inOrderOf: 'idempotency_key',
    handle: takeIn({
      store,
      adminEmails: config.ADMIN_EMAILS,
      onAccepted: () => dispatchers.forEach((dispatcher) => dispatcher.nudge()),
      metrics,
      log,
    }),
    claimAfterMs: config.TAKEOVER_AFTER,
    maxLength: config.STREAM_MAX_LENGTH,
    log,
    metrics,
  });
  const app = buildApp({
    log,
    metrics,
    dependencies: {
      redis: { ping: () => redis.ping(), needed: true },
      smtp: { ping: () => email.ping(), needed: false },
    },
  });
  deliveriesRoute(app, store);
  await listen(app, config.HTTP_ADDR);

  const running = [consumer.run(stopping), ...dispatchers.map((dispatcher) => dispatcher.run(stopping))];
  return async () => {
    await app.close();
    await Promise.all(running);
    redis.disconnect();
  };
}

void runService({ name: 'notification', settings, checks, start });
