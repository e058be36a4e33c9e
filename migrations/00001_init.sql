-- Up Migration

CREATE SCHEMA IF NOT EXISTS gamemaster;

-- The registry of engine versions: which image runs a game of which version.
CREATE TABLE gamemaster.engine_versions (
    version    text PRIMARY KEY,
    image_ref  text NOT NULL,
    options    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'),
    status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'deprecated')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- One row a game: what REST, lists and the hot path read. Its status is written by the game's workflow alone, each
-- write under a greater revision. No key to engine_versions: the version of a finished game may be deleted.
CREATE TABLE gamemaster.runtime_records (
    game_id                text PRIMARY KEY CHECK (game_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    registration_id        text NOT NULL,
    -- The idempotency key of that registration: one under another key can be refused without asking the game.
    registration_key       text,
    revision               bigint NOT NULL CHECK (revision > 0),
    status                 text NOT NULL CHECK (status IN ('starting', 'running', 'generation_in_progress',
                               'generation_failed', 'stopped', 'engine_unreachable', 'finished')),
    engine_endpoint        text NOT NULL,
    current_image_ref      text NOT NULL,
    current_engine_version text NOT NULL,
    turn_schedule          text NOT NULL,
    current_turn           integer NOT NULL DEFAULT 0 CHECK (current_turn >= 0),
    next_generation_at     timestamptz,
    skipped_tick_at        timestamptz,
    engine_health          text NOT NULL DEFAULT 'healthy' CHECK (engine_health IN ('healthy', 'probe_failed',
                               'inspect_unhealthy', 'exited', 'oom', 'disappeared', 'turn_mismatch')),
    -- The engine's last known standings, [{user_id, planets, population}]: events of later changes repeat them.
    player_turn_stats      jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(player_turn_stats) = 'array'),
    -- The operation that may call the turn of an engine that ignores If-Match: one claim an operation.
    turn_claim             text,
    -- The version that a patch under way will bring: it may not be deleted meanwhile.
    patch_target_version   text,
    membership_epoch       bigint NOT NULL DEFAULT 0,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    started_at             timestamptz,
    stopped_at             timestamptz,
    finished_at            timestamptz
);
CREATE INDEX runtime_records_by_status ON gamemaster.runtime_records (status, created_at, game_id);
CREATE INDEX runtime_records_by_age ON gamemaster.runtime_records (created_at, game_id);
CREATE INDEX runtime_records_active_version ON gamemaster.runtime_records (current_engine_version)
    WHERE status NOT IN ('stopped', 'finished');

-- Who plays which race of a game. The primary key is the hot path's index.
CREATE TABLE gamemaster.player_mappings (
    game_id            text NOT NULL REFERENCES gamemaster.runtime_records ON DELETE CASCADE,
    user_id            text NOT NULL,
    race_name          text NOT NULL,
    engine_player_uuid uuid NOT NULL,
    PRIMARY KEY (game_id, user_id),
    UNIQUE (game_id, race_name)
);

-- The audit log, and the memory of idempotency keys. No key to runtime_records: a registration that failed has a
-- row here and no record.
CREATE TABLE gamemaster.operation_log (
    operation_id    uuid PRIMARY KEY,
    position        bigint GENERATED ALWAYS AS IDENTITY,
    game_id         text NOT NULL,
    registration_id text,
    kind            text NOT NULL CHECK (kind IN ('register', 'turn', 'force', 'stop', 'patch', 'banish', 'finish', 'health')),
    source          text CHECK (source IN ('lobby', 'gateway', 'admin', 'operator', 'scheduler', 'runtime_manager')),
    actor           text,
    status_from     text,
    status_to       text,
    outcome         text NOT NULL CHECK (outcome IN ('success', 'failure')),
    error_code      text CHECK ((error_code IS NULL) = (outcome = 'success')),
    error_message   text,
    idempotency_key text,
    request_hash    text,
    response        jsonb,
    started_at      timestamptz NOT NULL,
    finished_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((idempotency_key IS NULL) = (request_hash IS NULL))
);
CREATE UNIQUE INDEX operation_log_remembered ON gamemaster.operation_log (game_id, kind, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX operation_log_newest_first ON gamemaster.operation_log (game_id, position DESC);

-- Events waiting for Redis, written with the change they tell. seq orders a game's events and dedupes them.
CREATE TABLE gamemaster.outbox (
    game_id         text NOT NULL REFERENCES gamemaster.runtime_records ON DELETE CASCADE,
    seq             bigint NOT NULL,
    registration_id text NOT NULL,
    stream          text NOT NULL,
    event_id        text NOT NULL UNIQUE,
    payload         jsonb NOT NULL CHECK (jsonb_typeof(payload) = 'object'),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (game_id, seq)
);
CREATE INDEX outbox_by_age ON gamemaster.outbox (created_at);
