import type { Reaper } from './reaper';

/** What every component of one stack gets to work with. */
export interface StackContext {
  /** Folder for data and logs, a subfolder per component. */
  dataDir: string;
  /** Tells the person at the terminal, one plain line at a time. */
  log: (line: string) => void;
  reaper: Reaper;
  /** Whether data must survive a crash of the machine, not only of the server. */
  durable: boolean;
  /** Use a server whose address is in the environment. */
  useExisting: boolean;
  /** Clean-up to run when the stack stops, last added first. */
  onStop: (cleanUp: () => Promise<void> | void) => void;
}

/** The address of an existing server in environment variable `name`, if it may be used. */
export function existing(context: StackContext, name: string): string | undefined {
  const address = process.env[name];
  return context.useExisting && address !== undefined && address !== '' ? address : undefined;
}

/** Says in one line where a component is and how it was come by. */
export function announce(context: StackContext, component: string, where: string): void {
  context.log(`${component.padEnd(9)} ${where}`);
}

/**
 * Waits for one health check of an existing server.
 * @throws Error naming the variable with the address when the server does not answer
 */
export async function mustAnswer(
  variable: string,
  address: string,
  check: () => Promise<void>,
): Promise<void> {
  try {
    await check();
  } catch (error) {
    throw new Error(
      `${variable} names a server at ${withoutPassword(address)}, but it does not answer. ` +
        `Start it, or unset ${variable} to have one started here.`,
      { cause: error },
    );
  }
}

/** An address fit for showing: the password of a URL is left out. */
export function withoutPassword(address: string): string {
  return address.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1@');
}
