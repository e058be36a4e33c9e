-- Up Migration

CREATE SCHEMA IF NOT EXISTS lobby;

-- One row a game. Whoever changes anything of a game locks its row first: that puts the changes of a game in one order.
CREATE TABLE lobby.games (
    game_id               text PRIMARY KEY CHECK (game_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    position              bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    name                  text NOT NULL,
    -- NULL for a game of the administration.
    owner_user_id         text,
    status                text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'enrollment', 'starting', 'running',
                              'paused', 'finished', 'start_failed', 'cancelled')),
    status_reason         text,
    target_engine_version text NOT NULL,
    turn_schedule         text NOT NULL,
    min_players           integer NOT NULL CHECK (min_players >= 1),
    max_players           integer NOT NULL CHECK (max_players BETWEEN min_players AND 200),

    -- The time of the latest job for Runtime Manager, 0 before the first.
    last_job_at_ms        bigint NOT NULL DEFAULT 0,
    -- The latest attempt to start, named by the time of its job, which the result carries and the idempotency key of the
    -- registration too.
    start_requested_at_ms bigint,
    -- What is registered at Game Master, {engine_endpoint, members, target_engine_version, turn_schedule}: fixed when the
    -- engine is up and never changed, so that every repetition is the same registration.
    registration          jsonb CHECK (jsonb_typeof(registration) = 'object'),

    -- What Game Master told last.
    current_turn          integer CHECK (current_turn >= 0),
    runtime_status        text,
    engine_health         text,
    told_at               timestamptz,

    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    -- When Game Master took the game over; NULL for as long as that is not known.
    started_at            timestamptz,
    finished_at           timestamptz,
    CHECK (registration IS NULL OR start_requested_at_ms IS NOT NULL),
    CHECK ((finished_at IS NOT NULL) = (status IN ('finished', 'cancelled'))),
    CHECK ((runtime_status IS NULL) = (told_at IS NULL))
);
CREATE INDEX games_by_status ON lobby.games (status, position DESC);
CREATE INDEX games_by_owner ON lobby.games (owner_user_id) WHERE owner_user_id IS NOT NULL;

-- Who plays, or did. The statistics sum up what the turns have shown.
CREATE TABLE lobby.members (
    game_id            text NOT NULL REFERENCES lobby.games,
    user_id            text NOT NULL,
    race_name          text NOT NULL,
    status             text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'removed', 'blocked')),
    planets            double precision,
    population         double precision,
    initial_planets    double precision,
    initial_population double precision,
    max_planets        double precision,
    max_population     double precision,
    capable            boolean,
    joined_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (game_id, user_id),
    CHECK (num_nulls(planets, population, initial_planets, initial_population, max_planets, max_population) IN (0, 6))
);
CREATE UNIQUE INDEX members_race ON lobby.members (game_id, race_name) WHERE status = 'active';
CREATE INDEX members_by_user ON lobby.members (user_id);

CREATE TABLE lobby.applications (
    application_id uuid PRIMARY KEY,
    game_id        text NOT NULL REFERENCES lobby.games,
    user_id        text NOT NULL,
    race_name      text NOT NULL,
    status         text NOT NULL DEFAULT 'submitted' CHECK (status IN ('submitted', 'approved', 'rejected')),
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at     timestamptz,
    CHECK ((decided_at IS NULL) = (status = 'submitted'))
);
CREATE INDEX applications_of_game ON lobby.applications (game_id, created_at);
CREATE UNIQUE INDEX applications_open ON lobby.applications (user_id, game_id) WHERE status = 'submitted';
CREATE UNIQUE INDEX applications_open_race ON lobby.applications (game_id, race_name) WHERE status = 'submitted';

CREATE TABLE lobby.invites (
    invite_id  uuid PRIMARY KEY,
    game_id    text NOT NULL REFERENCES lobby.games,
    user_id    text NOT NULL,
    race_name  text,
    status     text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'redeemed', 'revoked')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at timestamptz,
    CHECK ((decided_at IS NULL) = (status = 'open')),
    CHECK ((race_name IS NOT NULL) = (status = 'redeemed'))
);
CREATE INDEX invites_of_game ON lobby.invites (game_id, created_at);
CREATE UNIQUE INDEX invites_open ON lobby.invites (user_id, game_id) WHERE status = 'open';

-- What has to be asked of Game Master until it is done: a row goes when it is. The subject is the user whose race is to
-- be banished, of 'invalidate' something unique, and empty for the others.
CREATE TABLE lobby.tasks (
    task_id     bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    game_id     text NOT NULL REFERENCES lobby.games,
    kind        text NOT NULL CHECK (kind IN ('give_up_start', 'register', 'banish', 'stop', 'invalidate')),
    subject     text NOT NULL DEFAULT '',
    -- Attempts so far, and how many of them were answered: the next idempotency key is made of that.
    attempts    integer NOT NULL DEFAULT 0,
    answered    integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (game_id, kind, subject)
);
CREATE INDEX tasks_due ON lobby.tasks (next_try_at);

-- Entries on their way to a stream, written with the change that they tell, sent in this order.
CREATE TABLE lobby.outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream     text NOT NULL,
    game_id    text NOT NULL,
    fields     jsonb NOT NULL CHECK (jsonb_typeof(fields) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The last entry of each stream that has taken effect, moved in the transaction of the effect.
CREATE TABLE lobby.stream_positions (
    stream   text PRIMARY KEY,
    entry_id text NOT NULL
);
