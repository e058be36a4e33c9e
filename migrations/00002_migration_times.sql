-- Up Migration

-- The migrator makes this table by itself, with a time that means another moment in every time zone.
ALTER TABLE gamemaster.migrations ALTER COLUMN run_on TYPE timestamptz;
