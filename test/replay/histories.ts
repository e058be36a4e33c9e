import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { temporal } from '@temporalio/proto';
import type { HistoryEvent } from '../support/history';

// The SDK's own conversion to JSON works only where npm gives all of its packages one copy of protobufjs.
const { History, HistoryEvent: Event } = temporal.api.history.v1;
const AS_JSON = { longs: String, enums: String, bytes: String };

const FOLDER = path.join(__dirname, 'histories');

/** The names of all stored histories. */
export function storedHistories(): string[] {
  return readdirSync(FOLDER)
    .map((file) => path.basename(file, '.json'))
    .sort();
}

/** A stored history, as the server sent it. */
export function readHistory(name: string): temporal.api.history.v1.History {
  const text = readFileSync(path.join(FOLDER, `${name}.json`), 'utf8');
  return History.fromObject(JSON.parse(text) as Record<string, unknown>);
}

/** Stores a history, one event a line. What tells of the machine that it was recorded on is left out. */
export async function storeHistory(name: string, events: HistoryEvent[]): Promise<void> {
  const lines = events.map((event) =>
    JSON.stringify(Event.toObject(Event.fromObject(event), AS_JSON), (key, value: unknown) =>
      key === 'stackTrace' ? '' : value,
    ).replaceAll(`@${os.hostname()}`, '@recorder'),
  );
  await mkdir(FOLDER, { recursive: true });
  await writeFile(path.join(FOLDER, `${name}.json`), `{"events":[\n${lines.join(',\n')}\n]}\n`);
}
