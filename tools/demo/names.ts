import { randomBytes } from 'node:crypto';

/** What the demo calls the things that it makes on servers. */
export interface Names {
  /** Game ids. */
  quick: string;
  endless: string;
  taskQueue: string;
  streams: { lobbyEvents: string; notificationIntents: string; healthEvents: string };
  /** A database of its own, or null to take the one that the server came with. */
  database: string | null;
}

/** The names of the defaults: on servers that only this demo uses. */
export const OWN_NAMES: Names = {
  quick: 'orion',
  endless: 'vega',
  taskQueue: 'gamemaster',
  streams: {
    lobbyEvents: 'gm:lobby_events',
    notificationIntents: 'notification:intents',
    healthEvents: 'runtime:health_events',
  },
  database: null,
};

/** Names that nothing else has: on servers that others use too. */
export function sharedNames(): Names {
  const mark = `demo-${randomBytes(3).toString('hex')}`;
  return {
    quick: `orion-${mark}`,
    endless: `vega-${mark}`,
    taskQueue: `gamemaster-${mark}`,
    streams: {
      lobbyEvents: `${mark}:gm:lobby_events`,
      notificationIntents: `${mark}:notification:intents`,
      healthEvents: `${mark}:runtime:health_events`,
    },
    database: `gamemaster-${mark}`,
  };
}
