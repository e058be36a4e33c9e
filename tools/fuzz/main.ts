/**
 * `npm run fuzz`: has schemathesis make up requests from the api's document, good ones and bad ones, and holds the
 * answers against it: nothing may end as an internal error, and nothing may differ from the document. The seed is
 * fixed. Where there is no Python, or it cannot be given schemathesis, this is skipped, which a line says.
 */
import { startFuzzedApi } from './fuzzed-api';
import { fuzz, installSchemathesis, NotInstallable } from './schemathesis';

async function main(): Promise<void> {
  const say = (line: string): void => console.log(line);
  let python: string;
  try {
    python = await installSchemathesis(say);
  } catch (error) {
    if (!(error instanceof NotInstallable)) throw error;
    say(`Fuzzing is skipped: ${error.message}`);
    return;
  }

  const cleanUps: (() => Promise<void> | void)[] = [];
  try {
    say('Starting an api to fuzz');
    const api = await startFuzzedApi(say, (cleanUp) => cleanUps.push(cleanUp));
    if (!(await fuzz(python, api))) process.exitCode = 1;
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
