import { address, readSettings } from './env';
import { formatAddress, sharedSettings } from './settings';

/** What `tools/migrate` is told. */
export interface MigrationConfig {
  dsn: string;
  logLevel: string;
  /** Where the search attributes are registered; nowhere when undefined. */
  temporal: { address: string; namespace: string } | undefined;
}

/** @throws InvalidConfig with every problem */
export function loadMigrationConfig(env: NodeJS.ProcessEnv): MigrationConfig {
  const values = readSettings(env, {
    GAMEMASTER_POSTGRES_DSN: sharedSettings.GAMEMASTER_POSTGRES_DSN,
    GAMEMASTER_LOG_LEVEL: sharedSettings.GAMEMASTER_LOG_LEVEL,
    GAMEMASTER_TEMPORAL_ADDRESS: address().optional(),
    GAMEMASTER_TEMPORAL_NAMESPACE: sharedSettings.GAMEMASTER_TEMPORAL_NAMESPACE,
  });
  const temporal = values.GAMEMASTER_TEMPORAL_ADDRESS;
  return {
    dsn: values.GAMEMASTER_POSTGRES_DSN,
    logLevel: values.GAMEMASTER_LOG_LEVEL,
    temporal: temporal && {
      address: formatAddress(temporal),
      namespace: values.GAMEMASTER_TEMPORAL_NAMESPACE,
    },
  };
}
