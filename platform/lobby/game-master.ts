import { gameMasterClient, type GameMasterClient } from '../../clients/gamemaster';
import type { components } from '../../clients/generated/gamemaster';
import { ServiceError, unavailable } from '../service/errors';
import type { Registration } from './domain/game';
import type { RuntimeView } from './domain/runtime-view';
import type { Answer } from './domain/game-master-answers';

export interface GameMasterOptions {
  baseUrl: string;
  /** Where Game Master asks its callers for tokens. */
  token: string | undefined;
  /** Milliseconds for a question, and for an operation, which may take as long as Game Master lets callers wait. */
  timeoutMs: number;
  operationTimeoutMs: number;
}

/** What a call of the typed client comes to. */
interface Reply {
  response: Response;
  error?: unknown;
}

/** An operation on one game: repeated under the same key it is the same operation. */
export interface Operation {
  gameId: string;
  key: string;
  /** Breaks the call off: whoever goes on with the work repeats it. */
  signal: AbortSignal;
}

/** Game Master, as Lobby speaks to it. What comes of an operation is told by `Answer`; broken off, it throws. */
export class GameMaster {
  private readonly questions: GameMasterClient;
  private readonly operations: GameMasterClient;

  constructor({ baseUrl, token, timeoutMs, operationTimeoutMs }: GameMasterOptions) {
    const shared = { baseUrl, ...(token !== undefined && { token }) };
    this.questions = gameMasterClient({ ...shared, timeoutMs });
    this.operations = gameMasterClient({ ...shared, timeoutMs: operationTimeoutMs });
  }

  /**
   * The image that runs games of an engine version.
   *
   * @throws ServiceError engine_version_not_found, engine_version_deprecated, service_unavailable
   */
  async resolveImageRef(version: string): Promise<string> {
    const { data, ...reply } = await orUnavailable(
      this.questions.GET('/api/v1/internal/engine-versions/{version}/image-ref', {
        params: { path: { version } },
      }),
    );
    if (data !== undefined) return data.image_ref;
    const { status, code, message } = toAnswer(reply);
    if (code === 'engine_version_not_found') {
      throw new ServiceError(404, code, `Game Master does not know engine version ${version}`);
    }
    if (code === 'engine_version_deprecated') {
      throw new ServiceError(409, code, `engine version ${version} is deprecated`);
    }
    throw unavailable(NOT_NOW, new Error(`image-ref was answered ${status}: ${message}`));
  }

  /** The game's status there, `unregistered` where it is not known. @throws ServiceError service_unavailable */
  async runtimeStatus(gameId: string): Promise<string> {
    const { data, ...reply } = await orUnavailable(
      this.questions.GET('/api/v1/internal/games/{game_id}/liveness', {
        params: { path: { game_id: gameId } },
      }),
    );
    if (data !== undefined) return data.status;
    const { status, message } = toAnswer(reply);
    throw unavailable(NOT_NOW, new Error(`liveness was answered ${status}: ${message}`));
  }

  /**
   * What an event of the game's present state would tell; null where Game Master does not have it, or not yet for sure.
   *
   * @throws ServiceError service_unavailable
   */
  async runtimeView(gameId: string): Promise<RuntimeView | null> {
    const { data, ...reply } = await orUnavailable(
      this.questions.GET('/api/v1/internal/runtimes/{game_id}', { params: { path: { game_id: gameId } } }),
    );
    if (data !== undefined) return toView(data);
    const { status, code, message } = toAnswer(reply);
    if (code === 'runtime_not_found') return null;
    throw unavailable(NOT_NOW, new Error(`runtime was answered ${status}: ${message}`));
  }

  /** @throws ServiceError service_unavailable whenever it is not known to have been heard */
  async invalidateMemberships(gameId: string, signal?: AbortSignal): Promise<void> {
    const reply = await orUnavailable(
      this.questions.POST('/api/v1/internal/games/{game_id}/memberships/invalidate', {
        params: { path: { game_id: gameId } },
        ...(signal && { signal }),
      }),
    );
    if (reply.response.ok) return;
    const { status, message } = toAnswer(reply);
    throw unavailable(NOT_NOW, new Error(`invalidate was answered ${status}: ${message}`));
  }

  register(operation: Operation, body: Registration): Promise<Answer> {
    return answerTo(
      this.operations.POST('/api/v1/internal/games/{game_id}/register-runtime', {
        ...toInit(operation),
        body,
      }),
      operation,
    );
  }

  banish(operation: Operation, raceName: string): Promise<Answer> {
    const body = { race_name: raceName };
    return answerTo(
      this.operations.POST('/api/v1/internal/runtimes/{game_id}/banish', { ...toInit(operation), body }),
      operation,
    );
  }

  stop(operation: Operation, reason: string): Promise<Answer> {
    const body = { reason };
    return answerTo(
      this.operations.POST('/api/v1/internal/runtimes/{game_id}/stop', { ...toInit(operation), body }),
      operation,
    );
  }
}

function toInit({ gameId, key, signal }: Operation) {
  const header = { 'Idempotency-Key': key, 'X-Galaxy-Caller': 'lobby' as const };
  return { params: { path: { game_id: gameId }, header }, signal };
}

async function answerTo(call: Promise<Reply>, { signal }: Operation): Promise<Answer> {
  try {
    return toAnswer(await call);
  } catch (error) {
    if (signal.aborted) throw error;
    return { status: null, code: null, message: `no answer: ${String(error)}` };
  }
}

const NOT_NOW = 'Game Master cannot be asked at the moment';

async function orUnavailable<R>(call: Promise<R>): Promise<R> {
  try {
    return await call;
  } catch (error) {
    throw unavailable(NOT_NOW, error);
  }
}

function toAnswer({ response, error }: Reply): Answer {
  const told = (error as { error?: { code?: unknown; message?: unknown } } | undefined)?.error;
  return {
    status: response.status,
    code: typeof told?.code === 'string' ? told.code : null,
    message: typeof told?.message === 'string' ? told.message : response.statusText,
  };
}

type RuntimeRecord = components['schemas']['RuntimeRecord'];

/** A registration that may yet be taken back is no news. */
function toView({ status, current_turn, engine_health, updated_at }: RuntimeRecord): RuntimeView | null {
  if (status === 'starting') return null;
  return {
    currentTurn: current_turn,
    // Events say nothing of what lasts for the time of a turn.
    runtimeStatus: status === 'generation_in_progress' ? 'running' : status,
    engineHealth: engine_health,
    toldAt: new Date(updated_at),
  };
}
