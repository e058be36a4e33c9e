import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { stackAddresses } from './stack';

const DOCUMENT = path.join(__dirname, '..', '..', 'docs', 'postgres-migration.md');

/** A user of the shared Redis with the rights that docs/postgres-migration.md gives to a service. */
export class RedisUser {
  private readonly redis = new Redis(stackAddresses().redisUrl);
  private readonly name = randomUUID();
  private readonly password = randomUUID();

  private constructor() {
    this.redis.on('error', () => undefined);
  }

  /** @param keys those of the test, by the default names that the document has */
  static async create(service: string, keys: Readonly<Record<string, string>>): Promise<RedisUser> {
    const line = new RegExp(`^user ${service} on >… (.+)$`, 'm').exec(readFileSync(DOCUMENT, 'utf8'))?.[1];
    if (line === undefined) throw new Error(`the document has no user ${service}`);
    const user = new RedisUser();
    const rules = Object.entries(keys).reduce((text, [known, ours]) => text.replaceAll(known, ours), line);
    await user.redis.call('ACL', 'SETUSER', user.name, 'on', `>${user.password}`, ...rules.split(' '));
    return user;
  }

  /** The server's address for this user. */
  get url(): string {
    const url = new URL(stackAddresses().redisUrl);
    url.username = this.name;
    url.password = this.password;
    return url.href;
  }

  /** What it tried and may not do. */
  async refused(): Promise<string[]> {
    const entries = (await this.redis.call('ACL', 'LOG')) as unknown[][];
    const of = (entry: unknown[], name: string): string => String(entry[entry.indexOf(name) + 1]);
    return entries
      .filter((entry) => of(entry, 'username') === this.name)
      .map((entry) => `${of(entry, 'reason')}: ${of(entry, 'object')}`);
  }

  async remove(): Promise<void> {
    await this.redis.call('ACL', 'DELUSER', this.name);
    this.redis.disconnect();
  }
}
