'use strict';

const shared = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: {
    '^.+\\.(t|m?j)s$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // These packages are published as ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!(node-pg-migrate|content-disposition|openapi-fetch|cookie)/)'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

// Temporal's client keeps a native handle open, which would hold the run after its last test. A run of the unit
// tests alone (`npx jest --selectProjects unit`) is not forced to its end, so that a handle they leak shows.
const selected = process.argv.slice(process.argv.indexOf('--selectProjects') + 1);
const unitOnly = selected.length < process.argv.length && selected.every((word) => word === 'unit');

module.exports = {
  forceExit: !unitOnly,
  reporters: ['default', '<rootDir>/tools/totals-reporter.cjs'],
  // Two files at a time, on any machine: each mostly waits for ticks and outages, but brings processes of its own, which
  // have to be on time.
  maxWorkers: 2,
  // For tests with real servers, on machines that are slow. (Jest does not take it per project.)
  testTimeout: 120_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/test/unit/**/*.test.ts',
        '<rootDir>/pkg/**/*.test.ts',
        '<rootDir>/platform/*/test/**/*.test.ts',
      ],
    },
    {
      ...shared,
      displayName: 'workflow',
      testMatch: ['<rootDir>/test/workflow/**/*.test.ts', '<rootDir>/test/replay/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/workflow-setup.ts',
      globalTeardown: '<rootDir>/test/support/stack-teardown.ts',
    },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/stack-setup.ts',
      globalTeardown: '<rootDir>/test/support/stack-teardown.ts',
    },
  ],
};
