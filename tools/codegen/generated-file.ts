import { readFile, writeFile } from 'node:fs/promises';

/** A generated file, from the top folder, where npm runs scripts. */
export interface GeneratedFile {
  file: string;
  /** What it is made from, for the message. */
  source: string;
  content: string;
}

/** Writes the file; or, to check, only says whether it is what would be written, with exit code 1 if it is not. */
export async function writeOrCheck({ file, source, content }: GeneratedFile, check: boolean): Promise<void> {
  if (!check) {
    await writeFile(file, content);
    console.log(`${file} is written`);
  } else if ((await readFile(file, 'utf8')) === content) {
    console.log(`${file} agrees with ${source}`);
  } else {
    console.error(`${file} does not agree with ${source}: run "npm run codegen"`);
    process.exitCode = 1;
  }
}
