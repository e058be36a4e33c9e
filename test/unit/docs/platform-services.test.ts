import { settings as lobbySettings } from '../../../platform/lobby/config';
import { addMetrics as addLobbyMetrics } from '../../../platform/lobby/metrics';
import { Database } from '../../../platform/lobby/stores/postgres';
import { addMetrics as addNotificationMetrics } from '../../../platform/notification/metrics';
import { settings as notificationSettings } from '../../../platform/notification/settings';
import { addMetrics as addRtmanagerMetrics } from '../../../platform/rtmanager/metrics';
import { settings as rtmanagerSettings } from '../../../platform/rtmanager/settings';
import type { Settings } from '../../../platform/service/env';
import { createMetrics, type ServiceMetrics } from '../../../platform/service/metrics';
import { baseSettings } from '../../../platform/service/process';
import { code, namedRows } from './markdown';

interface Service {
  name: string;
  settings: Settings;
  addMetrics: (metrics: ServiceMetrics) => void;
}

const SERVICES: Service[] = [
  {
    name: 'lobby',
    settings: lobbySettings,
    addMetrics: ({ registry }) => {
      addLobbyMetrics(registry, new Database('postgres://localhost/none', 1_000, () => undefined));
    },
  },
  {
    name: 'notification',
    settings: notificationSettings,
    addMetrics: (metrics) => {
      addNotificationMetrics(metrics, () => Promise.resolve(0));
    },
  },
  { name: 'rtmanager', settings: rtmanagerSettings, addMetrics: addRtmanagerMetrics },
];

const namesOf = ({ registry }: ServiceMetrics) => registry.getMetricsAsArray().map(({ name }) => name);

describe.each(SERVICES)('the README of $name', ({ name, settings, addMetrics }) => {
  const rows = namedRows(`platform/${name}/README.md`);
  const prefix = `${name.toUpperCase()}_`;
  const variables = rows.filter((row) => row.name.startsWith(prefix));

  test('has every setting, once, and no other', () => {
    const documented = variables.map((row) => row.name.slice(prefix.length));
    // Those of every service may be left to the document of what they share.
    const shared = Object.keys(baseSettings('127.0.0.1:1')).filter((each) => !documented.includes(each));
    expect([...documented, ...shared].sort()).toEqual(Object.keys(settings).sort());
  });

  test('says what each is by default', () => {
    for (const { name: variable, cells } of variables) {
      const [fallback = ''] = cells;
      const setting = settings[variable.slice(prefix.length)];
      const unset = setting?.safeParse(undefined);
      if (fallback === 'required') expect([variable, unset?.success]).toEqual([variable, false]);
      else if (fallback === 'off') expect([variable, unset?.data]).toEqual([variable, undefined]);
      else expect([variable, unset?.data]).toEqual([variable, setting?.parse(code(fallback))]);
    }
  });

  test('has every metric of its own, and no other', () => {
    const metrics = createMetrics(name);
    const ofEveryService = namesOf(metrics);
    addMetrics(metrics);
    const own = namesOf(metrics).filter((each) => !ofEveryService.includes(each));
    const documented = rows.filter((row) => row.name.startsWith(`${name}_`)).map((row) => row.name);
    expect(documented.sort()).toEqual(own.sort());
  });
});

test('the document of what services share has the settings and metrics that every one has', () => {
  const names = namedRows('platform/service/README.md').map(({ name }) => name);
  expect(names.filter((name) => name.startsWith('…_'))).toEqual(
    Object.keys(baseSettings('127.0.0.1:1')).map((name) => `…_${name}`),
  );
  const own = namesOf(createMetrics('toy')).filter((name) => name.startsWith('toy_'));
  expect(names.filter((name) => name.startsWith('<service>_'))).toEqual(
    own.map((name) => name.replace('toy_', '<service>_')),
  );
});
