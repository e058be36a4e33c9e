/** Generated from api/internal-openapi.yaml by "npm run codegen": do not edit. */

export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Is the process alive
         * @description Answers as long as the process can answer at all; asks no dependency.
         */
        get: operations["internalHealthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Can the process do its work
         * @description Ready while Postgres answers, until the process is told to end. Postgres counts as down while it has no schema.
         *     Temporal is reported but does not decide: without it the hot path, the reads and the registry still work, and
         *     only the lifecycle answers `service_unavailable`.
         */
        get: operations["internalReadyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/games/{game_id}/register-runtime": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take over a game whose engine container is up
         * @description Initialises the engine with the members' races, maps every member to a player of the engine, and starts the
         *     schedule. Either all of it happens or none: a failed registration leaves one failed operation in the log and
         *     the game can be registered again, under the same key or another.
         */
        post: operations["internalRegisterRuntime"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/runtimes": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path?: never;
            cookie?: never;
        };
        /**
         * List games
         * @description Oldest first, by `created_at` and then `game_id`. Follow `next_cursor` until it is `null`.
         */
        get: operations["internalListRuntimes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/runtimes/{game_id}": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        /**
         * One game
         * @description The game as its last change left it, whatever its status, also after its end.
         */
        get: operations["internalGetRuntime"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/runtimes/{game_id}/force-next-turn": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Generate a turn now instead of at the next tick
         * @description Answers when the turn is over. It takes the place of the next one: the first tick after the call began is let
         *     pass, whether the forced turn succeeded or not. Several forced turns before that tick let pass only that one.
         *     Possible while the game is `running`, `generation_failed` or `engine_unreachable`. If the turn fails so does
         *     the call, with the turn's error, and the game is `generation_failed`.
         */
        post: operations["internalForceNextTurn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/runtimes/{game_id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a game for good
         * @description Asks Runtime Manager to stop the container, and marks the game `stopped` once it agreed. A turn under way is
         *     abandoned (whoever forced it gets `conflict`) unless it is already being written down: then it counts, and if it finished the
         *     game the stop is the one that gets `conflict`. Goes before all other calls that wait. If Runtime Manager
         *     refuses or is silent the game goes on unchanged.
         */
        post: operations["internalStopRuntime"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/runtimes/{game_id}/patch": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Move a game to a newer patch of its engine version
         * @description The version must be registered, active, of the same major and minor, with a greater patch number and no
         *     prerelease part. A version that is no later patch is `semver_patch_only`, whether it is registered or not.
         *     Runtime Manager changes the container; then the record follows. Possible while the game is `running`,
         *     `generation_failed` or `engine_unreachable`.
         */
        post: operations["internalPatchRuntime"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/runtimes/{game_id}/banish": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell the engine that a race has left for good
         * @description For a race of this game's registration. The engine is told; the player's right to send commands is Lobby's
         *     matter (see invalidate). Possible while the game is `running`, `generation_failed` or `engine_unreachable`.
         */
        post: operations["internalBanishRace"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/runtimes/{game_id}/operations": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        /**
         * What was done to a game, and how it ended
         * @description Newest first; failures are listed too. A game whose only registration failed has operations although there is
         *     no record of it; a game with neither is `runtime_not_found`.
         */
        get: operations["internalListOperations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/games/{game_id}/memberships/invalidate": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Forget what is known of a game's members
         * @description Lobby calls this after it changed a membership. From the 204 on every replica asks Lobby again before it lets
         *     anybody of this game through. An unknown game is answered alike: there is nothing to forget.
         */
        post: operations["internalInvalidateMemberships"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/games/{game_id}/liveness": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        /**
         * May Lobby go on with this game
         * @description `ready` is true for a running game, and for one that is not known here: its registration would be taken. It is
         *     false in every other status.
         */
        get: operations["internalGameLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/engine-versions": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path?: never;
            cookie?: never;
        };
        /**
         * The registered engine versions
         * @description All of them, in semver order, lowest first.
         */
        get: operations["internalListEngineVersions"];
        put?: never;
        /**
         * Register an engine version
         * @description The version is active at once. A version is registered once; changing it is an update.
         */
        post: operations["internalCreateEngineVersion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/engine-versions/{version}": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The engine version.
                 * @example 1.4.2
                 */
                version: components["parameters"]["Version"];
            };
            cookie?: never;
        };
        /**
         * One engine version
         * @description The registered version, active or deprecated.
         */
        get: operations["internalGetEngineVersion"];
        put?: never;
        post?: never;
        /**
         * Remove an engine version
         * @description Refused while a game that is neither stopped nor finished runs on it.
         */
        delete: operations["internalDeleteEngineVersion"];
        options?: never;
        head?: never;
        /**
         * Change an engine version
         * @description Changes the fields that are given and keeps the others; `options` is replaced as a whole. Games that run on
         *     the version keep the image they were started with.
         */
        patch: operations["internalUpdateEngineVersion"];
        trace?: never;
    };
    "/api/v1/internal/engine-versions/{version}/deprecate": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The engine version.
                 * @example 1.4.2
                 */
                version: components["parameters"]["Version"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Close an engine version for new games
         * @description Games that run on it go on. Deprecating a deprecated version changes nothing and succeeds.
         */
        post: operations["internalDeprecateEngineVersion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/engine-versions/{version}/image-ref": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The engine version.
                 * @example 1.4.2
                 */
                version: components["parameters"]["Version"];
            };
            cookie?: never;
        };
        /**
         * The image to start a new game with
         * @description What Lobby asks before it has a container started; a deprecated version is refused.
         */
        get: operations["internalResolveEngineVersionImageRef"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/games/{game_id}/commands": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a player's commands at once
         * @description The commands go unchanged to the engine, as those of the race this user plays in this game. Refused while a
         *     turn is generated.
         */
        post: operations["internalExecuteCommands"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/games/{game_id}/orders": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        get?: never;
        /**
         * Set a player's orders for the next turn
         * @description Replaces what the player ordered before; an empty list withdraws it. The orders go unchanged to the engine, as
         *     those of the race this user plays in this game. Refused while a turn is generated.
         */
        put: operations["internalPutOrders"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/internal/games/{game_id}/reports/{turn}": {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
                /**
                 * @description The turn to report on, in decimal digits without a sign or leading zeros.
                 * @example 12
                 */
                turn: number;
            };
            cookie?: never;
        };
        /**
         * A player's report of a turn
         * @description The report of the race this user plays in this game. Refused while a turn is generated. A turn that the engine
         *     has no report of is the engine's refusal, `engine_validation_error`.
         */
        get: operations["internalGetReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        GameId: string;
        UserId: string;
        /** @description Printable characters, no control, line-breaking, invisible or direction-changing ones. */
        RaceName: string;
        /**
         * @description Semantic version in its exact form, without a leading `v` and without build metadata. None of its three numbers
         *     is greater than 9007199254740991.
         */
        SemanticVersion: string;
        /** @description Container image reference with a tag, a digest or both. The name before them has at most 255 characters. */
        ImageReference: string;
        IdempotencyKey: string;
        /** @description Opaque. */
        Cursor: string;
        /**
         * @description Origin of the engine: `http` or `https`, a host that this installation allows, at most a port, no credentials,
         *     no path but `/`. It is kept as it is written.
         */
        EngineEndpoint: string;
        /**
         * @description When turns are due, as a cron expression of five fields in UTC: minute, hour, day of month, month, day of week
         *     (0 to 6). Descriptors like `@daily` and time zone prefixes are refused, and so is a schedule that never comes.
         *     An installation may take six fields as well, seconds first.
         */
        TurnSchedule: string;
        /**
         * @description `starting` until registration is done; `running` between turns; `generation_in_progress` during one;
         *     `generation_failed` after a turn that failed, until one is forced; `engine_unreachable` while the container is
         *     known to be down; `stopped` and `finished` for good.
         * @enum {string}
         */
        RuntimeStatus: "starting" | "running" | "generation_in_progress" | "generation_failed" | "stopped" | "engine_unreachable" | "finished";
        /**
         * @description What is known of the engine; from registration on, what Runtime Manager last reported, or `turn_mismatch`.
         * @enum {string}
         */
        EngineHealth: "healthy" | "probe_failed" | "inspect_unhealthy" | "exited" | "oom" | "disappeared" | "turn_mismatch";
        /**
         * @description New games and upgrades may use an `active` version only.
         * @enum {string}
         */
        EngineVersionStatus: "active" | "deprecated";
        /**
         * Format: date-time
         * @description RFC 3339, in UTC.
         */
        Timestamp: string;
        /** @enum {string} */
        ErrorCode: "invalid_request" | "unauthorized" | "forbidden" | "runtime_not_found" | "engine_version_not_found" | "race_not_found" | "not_found" | "method_not_allowed" | "conflict" | "runtime_not_running" | "semver_patch_only" | "engine_version_in_use" | "engine_version_deprecated" | "too_many_requests" | "engine_validation_error" | "engine_unreachable" | "turn_mismatch" | "service_unavailable" | "internal_error";
        ErrorEnvelope: {
            error: {
                code: components["schemas"]["ErrorCode"];
                /** @description For people; its words may change. */
                message: string;
            };
        };
        Health: {
            /** @enum {string} */
            status: "ok";
        };
        Readiness: {
            /** @enum {string} */
            status: "ready" | "not_ready";
            /** @description Each dependency of the process, by name. */
            checks: {
                postgres: components["schemas"]["DependencyState"];
                temporal: components["schemas"]["DependencyState"];
            };
        };
        /** @enum {string} */
        DependencyState: "up" | "down";
        Member: {
            user_id: components["schemas"]["UserId"];
            race_name: components["schemas"]["RaceName"];
        };
        RegisterRuntimeRequest: {
            engine_endpoint: components["schemas"]["EngineEndpoint"];
            /** @description Who plays which race. No user and no race may be named twice. */
            members: components["schemas"]["Member"][];
            target_engine_version: components["schemas"]["SemanticVersion"];
            turn_schedule: components["schemas"]["TurnSchedule"];
        };
        StopRuntimeRequest: {
            /** @description Why, for the log and for Runtime Manager. Any text without NUL characters. */
            reason: string;
        };
        PatchRuntimeRequest: {
            version: components["schemas"]["SemanticVersion"];
        };
        BanishRaceRequest: {
            race_name: components["schemas"]["RaceName"];
        };
        RuntimeRecord: {
            game_id: components["schemas"]["GameId"];
            status: components["schemas"]["RuntimeStatus"];
            engine_endpoint: components["schemas"]["EngineEndpoint"];
            current_image_ref: components["schemas"]["ImageReference"];
            current_engine_version: components["schemas"]["SemanticVersion"];
            turn_schedule: components["schemas"]["TurnSchedule"];
            /** @description The last turn that was generated. */
            current_turn: number;
            /**
             * Format: date-time
             * @description When the next turn is due; `null` unless the game is `running` or `generation_in_progress`.
             */
            next_generation_at: string | null;
            /** @description A turn was forced, and the tick it replaces has not passed yet. */
            skip_next_tick: boolean;
            engine_health: components["schemas"]["EngineHealth"];
            created_at: components["schemas"]["Timestamp"];
            updated_at: components["schemas"]["Timestamp"];
            /**
             * Format: date-time
             * @description When registration was complete.
             */
            started_at: string | null;
            /** Format: date-time */
            stopped_at: string | null;
            /** Format: date-time */
            finished_at: string | null;
        };
        RuntimePage: {
            runtimes: components["schemas"]["RuntimeRecord"][];
            next_cursor: components["schemas"]["NextCursor"];
        };
        /** @description Where the next page begins; `null` on the last one. */
        NextCursor: string | null;
        Operation: {
            /** @description Unique; opaque. */
            operation_id: string;
            game_id: components["schemas"]["GameId"];
            /** @enum {string} */
            kind: "register" | "turn" | "force" | "stop" | "patch" | "banish" | "finish" | "health";
            /**
             * @description Who asked; `scheduler` for ticks, `runtime_manager` for health events, `null` when the caller did not say.
             * @enum {string|null}
             */
            source: "lobby" | "gateway" | "admin" | "operator" | "scheduler" | "runtime_manager" | null;
            /** @description Who was behind the call; null when the caller did not say. */
            actor: string | null;
            /** @description The game's status before; `null` when there was no record. */
            status_from: components["schemas"]["RuntimeStatus"] | null;
            /** @description The game's status after; `null` when no record is left. */
            status_to: components["schemas"]["RuntimeStatus"] | null;
            /** @enum {string} */
            outcome: "success" | "failure";
            /** @description Why it failed; `null` on success. */
            error_code: components["schemas"]["ErrorCode"] | null;
            error_message: string | null;
            started_at: components["schemas"]["Timestamp"];
            finished_at: components["schemas"]["Timestamp"];
        };
        OperationPage: {
            operations: components["schemas"]["Operation"][];
            next_cursor: components["schemas"]["NextCursor"];
        };
        Liveness: {
            ready: boolean;
            /**
             * @description The game's status, or `unregistered` when it is not known here.
             * @enum {string}
             */
            status: "unregistered" | "starting" | "running" | "generation_in_progress" | "generation_failed" | "stopped" | "engine_unreachable" | "finished";
        };
        /** @description Free settings for whoever starts containers of this version; kept and given back, not read here. */
        EngineOptions: {
            [key: string]: unknown;
        };
        EngineVersion: {
            version: components["schemas"]["SemanticVersion"];
            image_ref: components["schemas"]["ImageReference"];
            options: components["schemas"]["EngineOptions"];
            status: components["schemas"]["EngineVersionStatus"];
            created_at: components["schemas"]["Timestamp"];
            updated_at: components["schemas"]["Timestamp"];
        };
        EngineVersionList: {
            engine_versions: components["schemas"]["EngineVersion"][];
        };
        CreateEngineVersionRequest: {
            version: components["schemas"]["SemanticVersion"];
            image_ref: components["schemas"]["ImageReference"];
            options?: components["schemas"]["EngineOptions"];
        };
        UpdateEngineVersionRequest: {
            image_ref?: components["schemas"]["ImageReference"];
            options?: components["schemas"]["EngineOptions"];
            status?: components["schemas"]["EngineVersionStatus"];
        };
        ImageRef: {
            image_ref: components["schemas"]["ImageReference"];
        };
        CommandsRequest: {
            commands: {
                [key: string]: unknown;
            }[];
        };
    };
    responses: {
        /** @description The engine's own answer; its status, content type and body are passed on as they came. */
        EngineAnswer: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "*/*": unknown;
            };
        };
        /** @description Something in the request is malformed, missing, out of bounds or unknown; the message says what. */
        InvalidRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description Tokens are configured and the call brought none that is valid. */
        Unauthorized: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The token's caller may not do this, or the player is no active member of the game or has no race in it. */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description No such game. */
        RuntimeNotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description No such engine version. */
        EngineVersionNotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The game is not `running` at this moment; during a turn, try again when it is over. */
        RuntimeNotRunning: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The body is longer than this installation takes. */
        BodyTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The body is not `application/json`. */
        UnsupportedMediaType: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The engine refused; its message is passed on. */
        RefusedByEngine: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The engine could not be reached, was too slow, failed, or made no sense. */
        EngineUnreachable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description Too many calls wait on this game, or this process is overloaded. Nothing was done. */
        TooManyRequests: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description A fault of Game Master's own; the log has the details. */
        InternalError: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description Something that Game Master needs for this is not there. */
        ServiceUnavailable: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The game's status or what it is busy with does not allow this, a neighbour refused, or the key came with another body before. */
        OperationConflict: {
            headers: {
                "Idempotency-Key": components["headers"]["OptionalIdempotencyKey"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The engine refused, or its answer contradicts the request; its message is passed on. */
        OperationRefusedByEngine: {
            headers: {
                "Idempotency-Key": components["headers"]["OptionalIdempotencyKey"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /** @description The engine could not be reached, was too slow, failed, or made no sense. */
        OperationWithoutEngine: {
            headers: {
                "Idempotency-Key": components["headers"]["OptionalIdempotencyKey"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
        /**
         * @description A neighbour or store is not there, or the operation has not ended within the time that a call may take. It may
         *     still take effect: repeat with the same key. Where the operation itself failed for want of a neighbour, as the
         *     message then says, that is the key's outcome, and a new attempt needs a new key.
         */
        OperationUnavailable: {
            headers: {
                "Idempotency-Key": components["headers"]["OptionalIdempotencyKey"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorEnvelope"];
            };
        };
    };
    parameters: {
        /**
         * @description The game, by the name that Lobby gave it.
         * @example orion
         */
        GameId: components["schemas"]["GameId"];
        /**
         * @description The engine version.
         * @example 1.4.2
         */
        Version: components["schemas"]["SemanticVersion"];
        /**
         * @description The greatest number of entries on a page.
         * @example 50
         */
        Limit: number;
        /**
         * @description `next_cursor` of the page before. It means nothing outside the list that gave it; one that this list did not
         *     give is `invalid_request`.
         */
        Cursor: components["schemas"]["Cursor"];
        /**
         * @description 1 to 128 visible ASCII characters, chosen anew for each intended operation and repeated with each retry of it.
         * @example 8b0c5f36-7f1e-4c5a-9f0a-0f2a1f8f3b10
         */
        IdempotencyKey: components["schemas"]["IdempotencyKey"];
        /**
         * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
         * @example admin
         */
        Caller: "lobby" | "gateway" | "admin" | "operator";
        /**
         * @description Who is behind the call, in the caller's own terms; kept as the operation's `actor`. Printable ASCII.
         * @example admin@galaxy.example
         */
        Actor: string;
        /**
         * @description The authenticated player. Exactly one; an empty or repeated header is `invalid_request`.
         * @example user-1
         */
        UserId: components["schemas"]["UserId"];
    };
    requestBodies: never;
    headers: {
        /**
         * @description The key this operation is remembered under; the caller's, or one made up for it.
         * @example 8b0c5f36-7f1e-4c5a-9f0a-0f2a1f8f3b10
         */
        IdempotencyKey: components["schemas"]["IdempotencyKey"];
        /**
         * @description The key of this call. Absent when the call was refused before its key was read.
         * @example 8b0c5f36-7f1e-4c5a-9f0a-0f2a1f8f3b10
         */
        OptionalIdempotencyKey: components["schemas"]["IdempotencyKey"];
        /**
         * @description Seconds to wait before the next attempt.
         * @example 1
         */
        RetryAfter: number;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    internalHealthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Alive. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    internalReadyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready for traffic. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description Not ready; `checks` names what is missing. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    internalRegisterRuntime: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 128 visible ASCII characters, chosen anew for each intended operation and repeated with each retry of it.
                 * @example 8b0c5f36-7f1e-4c5a-9f0a-0f2a1f8f3b10
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
                /**
                 * @description Who is behind the call, in the caller's own terms; kept as the operation's `actor`. Printable ASCII.
                 * @example admin@galaxy.example
                 */
                "X-Actor"?: components["parameters"]["Actor"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterRuntimeRequest"];
            };
        };
        responses: {
            /** @description The game runs. */
            201: {
                headers: {
                    "Idempotency-Key": components["headers"]["IdempotencyKey"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuntimeRecord"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["EngineVersionNotFound"];
            /** @description The game is registered already or its registration is under way, the key came with another body before, or the engine version is deprecated. */
            409: {
                headers: {
                    "Idempotency-Key": components["headers"]["OptionalIdempotencyKey"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorEnvelope"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["OperationRefusedByEngine"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["OperationWithoutEngine"];
            503: components["responses"]["OperationUnavailable"];
        };
    };
    internalListRuntimes: {
        parameters: {
            query?: {
                /**
                 * @description Only games in this status.
                 * @example running
                 */
                status?: components["schemas"]["RuntimeStatus"];
                /**
                 * @description The greatest number of entries on a page.
                 * @example 50
                 */
                limit?: components["parameters"]["Limit"];
                /**
                 * @description `next_cursor` of the page before. It means nothing outside the list that gave it; one that this list did not
                 *     give is `invalid_request`.
                 */
                cursor?: components["parameters"]["Cursor"];
            };
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of games. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuntimePage"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalGetRuntime: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The game. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuntimeRecord"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["RuntimeNotFound"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalForceNextTurn: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 128 visible ASCII characters, chosen anew for each intended operation and repeated with each retry of it.
                 * @example 8b0c5f36-7f1e-4c5a-9f0a-0f2a1f8f3b10
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
                /**
                 * @description Who is behind the call, in the caller's own terms; kept as the operation's `actor`. Printable ASCII.
                 * @example admin@galaxy.example
                 */
                "X-Actor"?: components["parameters"]["Actor"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The turn is made; it may have been the last one. */
            200: {
                headers: {
                    "Idempotency-Key": components["headers"]["IdempotencyKey"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuntimeRecord"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["RuntimeNotFound"];
            409: components["responses"]["OperationConflict"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["OperationRefusedByEngine"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            /** @description The engine could not be reached or made no sense, or it stands at a turn that Game Master did not ask for. */
            502: {
                headers: {
                    "Idempotency-Key": components["headers"]["OptionalIdempotencyKey"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorEnvelope"];
                };
            };
            503: components["responses"]["OperationUnavailable"];
        };
    };
    internalStopRuntime: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 128 visible ASCII characters, chosen anew for each intended operation and repeated with each retry of it.
                 * @example 8b0c5f36-7f1e-4c5a-9f0a-0f2a1f8f3b10
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
                /**
                 * @description Who is behind the call, in the caller's own terms; kept as the operation's `actor`. Printable ASCII.
                 * @example admin@galaxy.example
                 */
                "X-Actor"?: components["parameters"]["Actor"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StopRuntimeRequest"];
            };
        };
        responses: {
            /** @description The game is stopped. */
            200: {
                headers: {
                    "Idempotency-Key": components["headers"]["IdempotencyKey"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuntimeRecord"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["RuntimeNotFound"];
            409: components["responses"]["OperationConflict"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["OperationUnavailable"];
        };
    };
    internalPatchRuntime: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 128 visible ASCII characters, chosen anew for each intended operation and repeated with each retry of it.
                 * @example 8b0c5f36-7f1e-4c5a-9f0a-0f2a1f8f3b10
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
                /**
                 * @description Who is behind the call, in the caller's own terms; kept as the operation's `actor`. Printable ASCII.
                 * @example admin@galaxy.example
                 */
                "X-Actor"?: components["parameters"]["Actor"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PatchRuntimeRequest"];
            };
        };
        responses: {
            /** @description The game runs on the new version. */
            200: {
                headers: {
                    "Idempotency-Key": components["headers"]["IdempotencyKey"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuntimeRecord"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            /** @description No such game, or no such engine version. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorEnvelope"];
                };
            };
            /** @description The game's status does not allow it, Runtime Manager refused, the key came with another body before, or the version is not an allowed upgrade. */
            409: {
                headers: {
                    "Idempotency-Key": components["headers"]["OptionalIdempotencyKey"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorEnvelope"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["OperationUnavailable"];
        };
    };
    internalBanishRace: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description 1 to 128 visible ASCII characters, chosen anew for each intended operation and repeated with each retry of it.
                 * @example 8b0c5f36-7f1e-4c5a-9f0a-0f2a1f8f3b10
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
                /**
                 * @description Who is behind the call, in the caller's own terms; kept as the operation's `actor`. Printable ASCII.
                 * @example admin@galaxy.example
                 */
                "X-Actor"?: components["parameters"]["Actor"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BanishRaceRequest"];
            };
        };
        responses: {
            /** @description The engine knows. */
            204: {
                headers: {
                    "Idempotency-Key": components["headers"]["IdempotencyKey"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            /** @description No such game, or no such race in it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorEnvelope"];
                };
            };
            409: components["responses"]["OperationConflict"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["OperationRefusedByEngine"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["OperationWithoutEngine"];
            503: components["responses"]["OperationUnavailable"];
        };
    };
    internalListOperations: {
        parameters: {
            query?: {
                /**
                 * @description The greatest number of entries on a page.
                 * @example 50
                 */
                limit?: components["parameters"]["Limit"];
                /**
                 * @description `next_cursor` of the page before. It means nothing outside the list that gave it; one that this list did not
                 *     give is `invalid_request`.
                 */
                cursor?: components["parameters"]["Cursor"];
            };
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of operations. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationPage"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["RuntimeNotFound"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalInvalidateMemberships: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Forgotten everywhere. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalGameLiveness: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer, also for unknown games. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalListEngineVersions: {
        parameters: {
            query?: {
                /**
                 * @description Only versions in this status.
                 * @example active
                 */
                status?: components["schemas"]["EngineVersionStatus"];
            };
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The versions. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineVersionList"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalCreateEngineVersion: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateEngineVersionRequest"];
            };
        };
        responses: {
            /** @description Registered. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineVersion"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            /** @description The version is registered already. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorEnvelope"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalGetEngineVersion: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The engine version.
                 * @example 1.4.2
                 */
                version: components["parameters"]["Version"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The version. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineVersion"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["EngineVersionNotFound"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalDeleteEngineVersion: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The engine version.
                 * @example 1.4.2
                 */
                version: components["parameters"]["Version"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["EngineVersionNotFound"];
            /** @description A game runs on it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorEnvelope"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalUpdateEngineVersion: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The engine version.
                 * @example 1.4.2
                 */
                version: components["parameters"]["Version"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateEngineVersionRequest"];
            };
        };
        responses: {
            /** @description The version as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineVersion"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["EngineVersionNotFound"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalDeprecateEngineVersion: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The engine version.
                 * @example 1.4.2
                 */
                version: components["parameters"]["Version"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The version is deprecated. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EngineVersion"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["EngineVersionNotFound"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalResolveEngineVersionImageRef: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
            };
            path: {
                /**
                 * @description The engine version.
                 * @example 1.4.2
                 */
                version: components["parameters"]["Version"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The image reference. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageRef"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["EngineVersionNotFound"];
            /** @description The version is deprecated. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorEnvelope"];
                };
            };
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    internalExecuteCommands: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
                /**
                 * @description The authenticated player. Exactly one; an empty or repeated header is `invalid_request`.
                 * @example user-1
                 */
                "X-User-ID": components["parameters"]["UserId"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CommandsRequest"];
            };
        };
        responses: {
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["RuntimeNotFound"];
            409: components["responses"]["RuntimeNotRunning"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["RefusedByEngine"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["EngineUnreachable"];
            503: components["responses"]["ServiceUnavailable"];
            "2XX": components["responses"]["EngineAnswer"];
        };
    };
    internalPutOrders: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
                /**
                 * @description The authenticated player. Exactly one; an empty or repeated header is `invalid_request`.
                 * @example user-1
                 */
                "X-User-ID": components["parameters"]["UserId"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CommandsRequest"];
            };
        };
        responses: {
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["RuntimeNotFound"];
            409: components["responses"]["RuntimeNotRunning"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["RefusedByEngine"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["EngineUnreachable"];
            503: components["responses"]["ServiceUnavailable"];
            "2XX": components["responses"]["EngineAnswer"];
        };
    };
    internalGetReport: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description Which service calls; kept as the `source` of an operation in the log. Another value is `invalid_request`.
                 * @example admin
                 */
                "X-Galaxy-Caller"?: components["parameters"]["Caller"];
                /**
                 * @description The authenticated player. Exactly one; an empty or repeated header is `invalid_request`.
                 * @example user-1
                 */
                "X-User-ID": components["parameters"]["UserId"];
            };
            path: {
                /**
                 * @description The game, by the name that Lobby gave it.
                 * @example orion
                 */
                game_id: components["parameters"]["GameId"];
                /**
                 * @description The turn to report on, in decimal digits without a sign or leading zeros.
                 * @example 12
                 */
                turn: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["RuntimeNotFound"];
            409: components["responses"]["RuntimeNotRunning"];
            422: components["responses"]["RefusedByEngine"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["EngineUnreachable"];
            503: components["responses"]["ServiceUnavailable"];
            "2XX": components["responses"]["EngineAnswer"];
        };
    };
}
