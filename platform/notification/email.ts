import { createTransport } from 'nodemailer';
import { Rejected, type Channel } from './channel';
import type { Delivery } from './deliveries';

const PING_AGAIN_MS = 15_000;

export interface EmailOptions {
  /** `smtp://` or `smtps://`, with user and password where the server asks for them. */
  smtpUrl: string;
  from: string;
  /** Of one mail in all, in milliseconds. */
  timeoutMs: number;
}

/** The channel `email`: one mail to each recipient, over SMTP. */
export class Email implements Channel {
  private readonly transport;
  /** What stands after the @ in a Message-ID. */
  private readonly domain: string;
  private pinged: Promise<unknown> = Promise.resolve();
  private pingedAt = -Infinity;

  constructor(private readonly options: EmailOptions) {
    const { smtpUrl, from, timeoutMs } = options;
    this.domain = /@([^\s@<>]+)>?$/.exec(from)?.[1] ?? 'localhost';
    this.transport = createTransport({
      url: smtpUrl,
      dnsTimeout: timeoutMs,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      socketCloseTimeout: 0,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  /**
   * A mail that is sent again, because its answer was lost or its process died, has the same Message-ID: mail servers
   * and programs can tell that it is the same.
   */
  async deliver({
    id,
    recipient,
    title,
    text,
    gameId,
    notificationType,
    occurredAtMs,
  }: Delivery): Promise<void> {
    try {
      await this.transport.sendMail({
        from: this.options.from,
        to: recipient,
        subject: title,
        text,
        messageId: `<${id}@${this.domain}>`,
        date: new Date(occurredAtMs),
        headers: {
          'Auto-Submitted': 'auto-generated',
          'X-Galaxy-Game': gameId,
          'X-Galaxy-Notification': notificationType,
        },
        signal: AbortSignal.timeout(this.options.timeoutMs),
      });
    } catch (error) {
      if (isFinal(error)) throw new Rejected((error as Error).message, { cause: error });
      throw error;
    }
  }

  /**
   * Rejects unless the server greets us, and takes our password. It is asked again after a while only: mail servers turn
   * away who logs in for every probe.
   */
  async ping(): Promise<void> {
    const now = performance.now();
    if (now - this.pingedAt >= PING_AGAIN_MS) {
      this.pingedAt = now;
      this.pinged = this.transport.verify();
      // Whoever asks is told.
      this.pinged.catch(() => undefined);
    }
    await this.pinged;
  }
}

/**
 * Whether the server will not have this recipient or this message. What it has against us (its password, the sender)
 * can be put right, and the mail is sent then; 503 says that the commands came in a wrong order.
 */
function isFinal(error: unknown): boolean {
  const { command, responseCode } = error as { command?: string; responseCode?: number };
  return (
    (command === 'RCPT TO' || command === 'DATA') &&
    responseCode !== undefined &&
    responseCode >= 500 &&
    responseCode !== 503
  );
}
