import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail as it came in. */
export interface CaughtMail {
  /** Of the envelope. */
  from: string;
  to: string[];
  /** By name in lower case; of several of a name the last. */
  headers: Record<string, string>;
  subject: string;
  messageId: string;
  text: string;
}

export interface MailCatcherOptions {
  /** A free one by default. */
  port?: number;
  /** Told of each mail before its sender is answered. What it throws is the answer, by its `responseCode`. */
  onMail?: (mail: CaughtMail) => Promise<void> | void;
  /** More of the SMTP server's own. */
  server?: Pick<SMTPServerOptions, 'onRcptTo' | 'onMailFrom'>;
}

/** A mail server on this machine that takes whatever it is given and passes nothing on. */
export class MailCatcher {
  /** In the order in which they came. */
  readonly mails: CaughtMail[] = [];

  private constructor(private readonly server: SMTPServer) {}

  static async start({ port = 0, onMail, server: more }: MailCatcherOptions = {}): Promise<MailCatcher> {
    const server = new SMTPServer({
      ...more,
      logger: false,
      disabledCommands: ['AUTH', 'STARTTLS'],
      closeTimeout: 100,
      onData(stream, { envelope }, answer) {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        const to = envelope.rcptTo.map(({ address }) => address);
        const taken = async (): Promise<void> => {
          const mail = readMail({ from, to }, await buffer(stream));
          await onMail?.(mail);
          catcher.mails.push(mail);
        };
        taken().then(() => answer(), answer);
      },
    });
    // Senders that break off are their own trouble.
    server.on('error', () => undefined);
    const catcher = new MailCatcher(server);
    server.listen(port, '127.0.0.1');
    await once(server.server, 'listening');
    return catcher;
  }

  /** For `NOTIFICATION_SMTP_URL`. */
  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** Understands what our own mails are made of: headers in ASCII and one part of plain text. */
function readMail(envelope: Pick<CaughtMail, 'from' | 'to'>, bytes: Buffer): CaughtMail {
  const [, head = '', body = ''] = /^([^]*?)\r\n\r\n([^]*)$/.exec(bytes.toString('latin1')) ?? [];
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return {
    ...envelope,
    headers,
    subject: headers['subject'] ?? '',
    messageId: headers['message-id'] ?? '',
    text: decode(body, headers['content-transfer-encoding']).trimEnd(),
  };
}

function decode(body: string, encoding = '7bit'): string {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable': {
      const bytes = body
        .replace(/=\r\n/g, '')
        .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
      return Buffer.from(bytes, 'latin1').toString('utf8');
    }
    default:
      return Buffer.from(body, 'latin1').toString('utf8');
  }
}
