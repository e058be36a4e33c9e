import type { FastifyBaseLogger } from 'fastify';

type Line = Parameters<FastifyBaseLogger['info']>;

/** The logger of one request, made with its first line: making one costs as much as a line, and most requests say nothing. */
export class RequestLogger implements FastifyBaseLogger {
  #made: FastifyBaseLogger | undefined;

  constructor(private readonly make: () => FastifyBaseLogger) {}

  get level(): string {
    return this.logger.level;
  }

  child(...args: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.logger.child(...args);
  }

  fatal(...line: unknown[]): void {
    this.logger.fatal(...(line as Line));
  }

  error(...line: unknown[]): void {
    this.logger.error(...(line as Line));
  }

  warn(...line: unknown[]): void {
    this.logger.warn(...(line as Line));
  }

  info(...line: unknown[]): void {
    this.logger.info(...(line as Line));
  }

  debug(...line: unknown[]): void {
    this.logger.debug(...(line as Line));
  }

  trace(...line: unknown[]): void {
    this.logger.trace(...(line as Line));
  }

  silent(...line: unknown[]): void {
    this.logger.silent(...(line as Line));
  }

  private get logger(): FastifyBaseLogger {
    this.#made ??= this.make();
    return this.#made;
  }
}
