'use strict';

/** The folders of the project and what each may import: ARCHITECTURE.md, "Rooms". */
const rooms = [
  'activities',
  'api',
  'bench',
  'clients',
  'config',
  'domain',
  'migrations',
  'pkg',
  'platform',
  'stores',
  'test',
  'tools',
  'worker',
  'workflows',
];

/** A rule that fails when `room` imports any room that is not in `allowed`. */
const only = (room, allowed) => ({
  name: `${room}-imports`,
  severity: 'error',
  comment: `${room}/ may import ${allowed.length === 0 ? 'no other room' : allowed.join(', ')}`,
  from: { path: `^${room}/` },
  to: { path: `^(${rooms.filter((other) => other !== room && !allowed.includes(other)).join('|')})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('domain', ['pkg']),
    only('stores', ['domain']),
    only('config', []),
    only('pkg', []),
    only('migrations', []),
    only('clients', ['domain', 'pkg']),
    only('workflows', ['domain', 'pkg', 'activities']),
    only('activities', ['domain', 'stores', 'clients', 'pkg']),
    only('api', ['clients', 'config', 'domain', 'migrations', 'pkg', 'stores', 'workflows']),
    only('worker', ['activities', 'clients', 'config', 'domain', 'migrations', 'pkg', 'stores', 'workflows']),
    {
      name: 'platform-imports',
      severity: 'error',
      comment: 'platform/ may import pkg/ and its own service base; lobby also the client of Game Master',
      from: { path: '^platform/' },
      to: {
        path: `^(${rooms.filter((other) => !['platform', 'pkg', 'clients'].includes(other)).join('|')})/`,
      },
    },
    {
      name: 'only-lobby-calls-game-master',
      severity: 'error',
      from: { path: '^platform/', pathNot: '^platform/lobby/' },
      to: { path: '^clients/' },
    },
    {
      name: 'lobby-knows-one-client',
      severity: 'error',
      from: { path: '^platform/lobby/' },
      to: { path: '^clients/', pathNot: '^clients/(gamemaster\\.ts|generated/)' },
    },
    {
      name: 'workflows-import-activity-types-only',
      severity: 'error',
      comment: 'workflow code runs in a sandbox: an activity is called through its proxy',
      from: { path: '^workflows/' },
      to: { path: '^activities/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'api-knows-only-workflow-messages',
      severity: 'error',
      from: { path: '^api/' },
      to: { path: '^workflows/', pathNot: '^workflows/messages\\.ts$' },
    },
    {
      name: 'neighbours-stand-apart',
      severity: 'error',
      comment: 'a neighbour may not import another neighbour; what services share is in platform/service/',
      from: { path: '^platform/([^/]+)/' },
      to: { path: '^platform/([^/]+)/', pathNot: '^platform/($1|service)/' },
    },
    {
      name: 'engine-stands-alone',
      severity: 'error',
      comment: 'the reference engine has no dependencies at all',
      from: { path: '^platform/engine/', pathNot: '^platform/engine/test/' },
      to: { path: '^(platform/service/|pkg/|node_modules/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
