import { Redis } from 'ioredis';
import { MailCatcher } from '../../tools/demo/mail-catcher';
import { ServiceProcess } from './service-process';
import { freePort, freshKeyPrefix, stackAddresses } from './stack';

export const ADMIN_EMAIL = 'op@example.com';

/** A Notification of its own for one test file: a real process on the shared Redis, with a mail server that keeps what it is sent. */
export class Notification {
  private constructor(
    readonly process: ServiceProcess,
    readonly mailServer: MailCatcher,
    private readonly redis: Redis,
    private readonly pushLog: string,
  ) {}

  /** Follows this stream of intents. */
  static async start(intents: string): Promise<Notification> {
    const prefix = freshKeyPrefix();
    const { redisUrl } = stackAddresses();
    const mailServer = await MailCatcher.start();
    const address = `127.0.0.1:${await freePort()}`;
    const process = new ServiceProcess('notification', 'platform/notification/main.js', `http://${address}`, {
      NOTIFICATION_HTTP_ADDR: address,
      NOTIFICATION_REDIS_URL: redisUrl,
      NOTIFICATION_SMTP_URL: mailServer.url,
      NOTIFICATION_SMTP_TIMEOUT: '2s',
      NOTIFICATION_EMAIL_FROM: 'galaxy@example.com',
      NOTIFICATION_ADMIN_EMAILS: ADMIN_EMAIL,
      NOTIFICATION_STREAM_INTENTS: intents,
      NOTIFICATION_STREAM_PUSH: `${prefix}push`,
      NOTIFICATION_KEY_PREFIX: `${prefix}state`,
      NOTIFICATION_RETRY_FIRST: '100ms',
      NOTIFICATION_RETRY_LONGEST: '1s',
      NOTIFICATION_TAKEOVER_AFTER: '1s',
    });
    const notification = new Notification(process, mailServer, new Redis(redisUrl), `${prefix}push`);
    await process.untilReady();
    return notification;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await this.mailServer.close();
    this.redis.disconnect();
  }

  /** What players were told of a game, in the order in which they were: `ann: game.turn.ready 1`. */
  async pushes(gameId: string): Promise<string[]> {
    const entries = await this.redis.xrange(this.pushLog, '-', '+');
    return entries.flatMap(([, flat]) => {
      const field = (name: string): string => flat[flat.indexOf(name) + 1] ?? '';
      const { game_id, turn_number, final_turn_number } = JSON.parse(field('payload')) as Record<
        string,
        unknown
      >;
      const turn = String(turn_number ?? final_turn_number);
      return game_id === gameId ? [`${field('user_id')}: ${field('notification_type')} ${turn}`] : [];
    });
  }

  /** Subjects of the mails about a game by their Message-ID: one that was sent twice is one. */
  mails(gameId: string): string[] {
    const ours = this.mailServer.mails.filter(({ headers }) => headers['x-galaxy-game'] === gameId);
    return [...new Map(ours.map(({ messageId, subject }) => [messageId, subject])).values()];
  }
}
