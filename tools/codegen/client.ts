/**
 * Writes clients/generated/gamemaster.ts, the types of the typed client, from the api's document.
 *
 *   node dist/tools/codegen/client.js [--check]
 *
 * With `--check` nothing is written, and the exit code is 1 when the file is not what would be written.
 */
import { pathToFileURL } from 'node:url';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { writeOrCheck } from './generated-file';

const DOCUMENT = 'api/internal-openapi.yaml';
const CLIENT_FILE = 'clients/generated/gamemaster.ts';

/** The types of the OpenAPI document in `file`, as the client file has them. */
async function clientTypes(file: string): Promise<string> {
  const header = `/** Generated from ${DOCUMENT} by "npm run codegen": do not edit. */\n\n`;
  return header + astToString(await openapiTypescript(pathToFileURL(file)));
}

async function main(check: boolean): Promise<void> {
  const content = await clientTypes(DOCUMENT);
  await writeOrCheck({ file: CLIENT_FILE, source: DOCUMENT, content }, check);
}

main(process.argv.includes('--check')).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
