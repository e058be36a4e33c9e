/**
 * Sends requests over kept-alive connections, one at a time on each, and measures how long each answer takes. Plain
 * sockets and requests made in advance: on a machine with few cores a client library would cost more than what is
 * measured.
 */
import { connect, type Socket } from 'node:net';

export interface Work {
  port: number;
  /** Whole HTTP/1.1 requests; each connection repeats its own. */
  requests: string[];
  /** Answers that do not count yet. */
  warmUp: number;
  measureMs: number;
}

export interface Load {
  requestsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Answers that were no 2xx, with the first of them. */
  failures: number;
  firstFailure: string | null;
}

const END_OF_HEADERS = '\r\n\r\n';

class Caller {
  private received = '';
  private begun = 0;
  private readonly socket: Socket;

  constructor(
    port: number,
    private readonly request: string,
    private readonly onAnswer: (ms: number, answer: string) => void,
  ) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => this.read(chunk));
    this.socket.on('error', (error) => onAnswer(0, error.message));
    this.socket.once('connect', () => this.ask());
  }

  end(): void {
    this.socket.destroy();
  }

  private ask(): void {
    this.begun = performance.now();
    this.socket.write(this.request);
  }

  private read(chunk: string): void {
    this.received += chunk;
    const headersEnd = this.received.indexOf(END_OF_HEADERS);
    if (headersEnd === -1) return;
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(this.received)?.[1] ?? 0);
    if (this.received.length < headersEnd + END_OF_HEADERS.length + length) return;
    const answer = this.received;
    this.received = '';
    this.onAnswer(performance.now() - this.begun, answer);
    if (!this.socket.destroyed) this.ask();
  }
}

async function measure({ port, requests, warmUp, measureMs }: Work): Promise<Load> {
  const latencies: number[] = [];
  let failures = 0;
  let firstFailure: string | null = null;
  let toWarmUp = warmUp;
  let begin: () => void = () => undefined;
  const warm = new Promise<void>((resolve) => (begin = resolve));
  const callers = requests.map(
    (request) =>
      new Caller(port, request, (ms, answer) => {
        if (!answer.startsWith('HTTP/1.1 2')) {
          failures += 1;
          firstFailure ??= answer;
          begin();
        } else if (toWarmUp > 0) {
          toWarmUp -= 1;
          if (toWarmUp === 0) begin();
        } else {
          latencies.push(ms);
        }
      }),
  );
  await warm;
  const begun = performance.now();
  await delay(measureMs);
  const seconds = (performance.now() - begun) / 1_000;
  for (const caller of callers) caller.end();
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? NaN;
  return {
    requestsPerSecond: latencies.length / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    failures,
    firstFailure,
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

process.on('message', (work: Work) => {
  void measure(work).then((load) => process.send?.(load));
});
