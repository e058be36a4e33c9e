import { readFileSync } from 'node:fs';
import path from 'node:path';
import { apiSettings, workerSettings } from '../../../config/settings';
import { settings as lobbySettings } from '../../../platform/lobby/config';
import { settings as notificationSettings } from '../../../platform/notification/settings';
import { settings as rtmanagerSettings } from '../../../platform/rtmanager/settings';
import type { Settings } from '../../../platform/service/env';
import { AsyncApiDocument } from '../contracts/asyncapi-document';
import { OpenApiDocument } from '../contracts/openapi-document';
import { ROOT } from './markdown';

const page = readFileSync(path.join(ROOT, 'docs/examples.md'), 'utf8');
const chapters = page.split(/^## /m).slice(1);

/** What a section shows in JSON, with the line that stands before it. */
const shown = (section: string) =>
  [...section.matchAll(/^(.+)\n\n```json\n([\s\S]*?)^```$/gm)].map(([, caption = '', json = '']) => ({
    caption,
    value: JSON.parse(json) as unknown,
  }));

/** The sections of the chapter about a contract, by the name in their heading. */
function sectionsOf(contract: string): Map<string, string> {
  const found = chapters.filter((chapter) => chapter.includes(`Contract: [${contract}](../${contract})`));
  if (found.length !== 1) throw new Error(`${contract} has ${found.length} chapters`);
  const sections = (found[0] ?? '').split(/^### /m).slice(1);
  return new Map(sections.map((section) => [/^`(.+)`/.exec(section)?.[1] ?? '', section]));
}

describe.each([
  'api/internal-openapi.yaml',
  'platform/engine/openapi.yaml',
  'platform/lobby/openapi.yaml',
  'platform/rtmanager/openapi.yaml',
  'platform/notification/openapi.yaml',
])('the examples of %s', (contract) => {
  const document = new OpenApiDocument(contract);
  const operations = document.operations();
  const sections = sectionsOf(contract);

  it('are of every operation, and of no other', () => {
    expect([...sections.keys()]).toEqual([...operations.keys()]);
  });

  it.each([...operations])('%s is called and answered by the contract', (id, { method, path: url, node }) => {
    const section = sections.get(id) ?? '';
    expect(section).toContain(`${method} \`${url}\``);
    const examples = shown(section);
    const asked = examples.filter(({ caption }) => caption === 'Asked:');
    const answered = examples.filter(({ caption }) => /^Answered \d{3}:$/.test(caption));
    expect(examples).toHaveLength(asked.length + answered.length);
    expect(asked).toHaveLength(document.bodyOf(node['requestBody']) === null ? 0 : 1);
    for (const { value } of asked) expectToFit(node['requestBody'], value);

    const status = /^Answered (\d{3})/m.exec(section)?.[1] ?? '';
    const responses = new Map(document.responsesOf(id));
    const response = responses.get(status) ?? responses.get('2XX');
    if (response === undefined) throw new Error(`${id} never answers ${status}`);
    expect(answered).toHaveLength(response['content'] === undefined ? 0 : 1);
    for (const { value } of answered) expectToFit(response, value);
  });

  /** An answer that is passed on from an engine has no schema here: the engine's own contract has it. */
  function expectToFit(holder: Parameters<OpenApiDocument['bodyOf']>[0], value: unknown) {
    const schema = holder && document.resolve(holder)['content']?.['application/json']?.['schema'];
    if (schema === undefined) return;
    const fits = document.compile(schema);
    expect([fits(value), fits.errors]).toEqual([true, null]);
  }
});

describe.each([
  'api/runtime-events-asyncapi.yaml',
  'platform/lobby/asyncapi.yaml',
  'platform/rtmanager/asyncapi.yaml',
  'platform/notification/asyncapi.yaml',
])('the examples of %s', (contract) => {
  const document = new AsyncApiDocument(contract);
  const sections = sectionsOf(contract);

  it('are of every message, and of no other', () => {
    const messages = Object.values(document.root.components.messages).map(({ name }) => name);
    expect([...sections.keys()]).toEqual(messages);
  });

  it.each([...sections])('%s is an entry by the contract', (name, section) => {
    const entries = [...section.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(
      ([, json = '']) => JSON.parse(json) as Record<string, string>,
    );
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.map((entry) => document.check(entry))).toEqual(entries.map(() => name));
  });
});

describe('the environments', () => {
  const prefixed = (prefix: string, settings: Settings) =>
    Object.fromEntries(Object.entries(settings).map(([name, schema]) => [`${prefix}_${name}`, schema]));
  const settings: Settings = {
    ...apiSettings,
    ...workerSettings,
    ...prefixed('LOBBY', lobbySettings),
    ...prefixed('RTMANAGER', rtmanagerSettings),
    ...prefixed('NOTIFICATION', notificationSettings),
  };
  const lines = [...page.matchAll(/^```ini\n([\s\S]*?)^```$/gm)].flatMap(([, block = ''], number) =>
    [...block.matchAll(/^([^#=\n]+)=(.*)$/gm)].map(([, name = '', value = '']) => ({ number, name, value })),
  );

  it('are three', () => {
    expect(new Set(lines.map(({ number }) => number)).size).toBe(3);
  });

  it.each(lines)('$name can be $value', ({ name, value }) => {
    expect(settings[name]?.safeParse(value)).toMatchObject({ success: true });
  });
});
