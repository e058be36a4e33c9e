'use strict';

// `npm run histories`: plays the scenarios of record.ts on real servers. Apart from the tests, which only read.
const integration = require('../../jest.config.cjs').projects.find(
  ({ displayName }) => displayName === 'integration',
);

module.exports = {
  ...integration,
  displayName: 'histories',
  testMatch: ['<rootDir>/test/replay/record.ts'],
  testTimeout: 120_000,
  forceExit: true,
};
