/**
 * What has to hold of a game once faults have ended, whatever they were. Run after every test that injects faults:
 * a fault that is survived in one place often shows in another.
 */
import { canBecome, isTerminal, type RuntimeStatus } from '../../domain/runtime-status';
import type { GameState } from '../../workflows/state';
import type { GameMaster, Reply } from './game-master';
import type { TestEngine } from './test-engine';
import { waitFor } from './wait-for';

export interface Played {
  gameId: string;
  /** The engine's own log is the witness of what was made. */
  engine: Pick<TestEngine, 'turn' | 'turnLog'>;
  /** Answers that callers got, in any order: those that said yes must still be true. */
  replies?: readonly Reply[];
}

/**
 * Waits until the game rests, and returns what is wrong with it, in words; nothing when all is as promised.
 *
 * I1 the engine made turn n once, in order · I2 every event is on its stream once, in order, and none is missing ·
 * I3 record, workflow and engine agree · I4 no operation took an edge that there is not · I5 no workflow task failed ·
 * I6 what was answered with success is on record · I7 something succeeded at all · I8 no process lost its head.
 */
export async function faultsOf(gm: GameMaster, { gameId, engine, replies = [] }: Played): Promise<string[]> {
  const { record, state } = await untilAtRest(gm, gameId);
  const faults: string[] = [];
  const must = (holds: boolean, fault: () => string): void => {
    if (!holds) faults.push(fault());
  };

  const turns = engine.turnLog;
  must(
    turns.every((turn, index) => turn === index + 1),
    () => `I1: the engine made turns ${turns.join(', ')}`,
  );
  must(
    engine.turn === turns.length,
    () => `I1: the engine stands at ${engine.turn} after ${turns.length} turns`,
  );

  faults.push(...(await streamFaults(gm, gameId, engine.turn, record['status'] as RuntimeStatus)));

  must(
    record['current_turn'] === engine.turn && state.currentTurn === engine.turn,
    () =>
      `I3: on record is turn ${String(record['current_turn'])}, the workflow is at ${state.currentTurn}, the engine at ${engine.turn}`,
  );
  must(
    record['status'] === state.status,
    () => `I3: on record is ${String(record['status'])}, the workflow is ${state.status}`,
  );

  const operations = await gm.operations(gameId);
  for (const { kind, outcome, status_from, status_to } of operations) {
    const [from, to] = [status_from as RuntimeStatus | null, status_to as RuntimeStatus | null];
    must(
      to === null || (from !== null && canBecome(from, to)),
      () => `I4: ${String(kind)} (${String(outcome)}) went from ${String(from)} to ${String(to)}`,
    );
  }

  for (const cause of await failedWorkflowTasks(gm, gameId))
    faults.push(`I5: a workflow task failed: ${cause}`);

  for (const { status, headers, body } of replies) {
    if (status < 200 || status > 299) continue;
    const key = headers.get('idempotency-key');
    const logged = operations.filter((operation) => operation['idempotency_key'] === key);
    must(
      logged.length === 1 && logged[0]?.['outcome'] === 'success' && same(logged[0]['response'], body),
      () => `I6: ${status} was answered to key ${String(key)}, but the log has ${JSON.stringify(logged)}`,
    );
  }

  const made = operations.filter(
    ({ kind, outcome }) => outcome === 'success' && (kind === 'turn' || kind === 'force'),
  );
  must(made.length > 0, () => 'I7: no turn succeeded');
  must(
    made.length === turns.length,
    () => `I7: ${made.length} turns are in the log of ${turns.length} that were made`,
  );

  for (const { kind, lines } of [...gm.apis, ...gm.workers]) {
    for (const line of lines) must(!LOST_HEAD.test(line), () => `I8: ${kind} logged ${line}`);
  }
  return faults;
}

const LOST_HEAD = /"level":"fatal"|unhandled|uncaught|panicked|MaxListenersExceeded/i;

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
}

function sorted(value: unknown): unknown {
  return value !== null && typeof value === 'object' ? Object.entries(value).sort() : value;
}

/** A game rests when no turn is being made and no event waits. */
function untilAtRest(gm: GameMaster, gameId: string) {
  return waitFor(
    async () => {
      const record = await gm.record(gameId);
      const status = record['status'] as RuntimeStatus;
      if (status === 'generation_in_progress' || status === 'starting') return false;
      const { rows } = await gm.database.query('SELECT 1 FROM gamemaster.outbox WHERE game_id = $1', [
        gameId,
      ]);
      if (rows.length > 0) return false;
      const state = await gm.workflow(gameId).query<GameState>('state');
      const settled =
        !state.outboxPending && state.status === status && state.currentTurn === record['current_turn'];
      return settled && { record, state };
    },
    {
      timeout: 40_000,
      interval: 200,
      describe: `game ${gameId} to come to rest with workflow and record in agreement`,
    },
  );
}

async function streamFaults(
  gm: GameMaster,
  gameId: string,
  lastTurn: number,
  status: RuntimeStatus,
): Promise<string[]> {
  const faults: string[] = [];
  const [lobby, intents] = [await gm.events('lobbyEvents', gameId), await gm.events('intents', gameId)];
  for (const [name, ids] of [
    ['lobby event', lobby.map((event) => String(event['event_id']))],
    ['intent', intents.map((intent) => String(intent['idempotency_key']))],
  ] as const) {
    const doubled = ids.filter((id, index) => ids.indexOf(id) !== index);
    if (doubled.length > 0) faults.push(`I2: ${name} ${doubled.join(', ')} is there more than once`);
  }

  const places = lobby.map(({ event_id }) => Number(String(event_id).split(':').at(-1)));
  if (places.some((place, index) => place <= (places[index - 1] ?? 0))) {
    faults.push(`I2: lobby events are out of order: ${places.join(', ')}`);
  }

  const lastIsTold = status === 'finished' ? lastTurn - 1 : lastTurn;
  const told = lobby.map(({ payload }) => payload as Record<string, unknown>);
  const snapshots = told
    .filter(
      (payload, index) => payload['runtime_status'] === 'running' && !isOfHealth(payload, told[index - 1]),
    )
    .map((payload) => Number(payload['current_turn']));
  const ready = intents
    .filter(({ notification_type }) => notification_type === 'game.turn.ready')
    .map(({ payload }) => Number((payload as Record<string, unknown>)['turn_number']));
  if (!same(snapshots, upTo(0, lastIsTold))) {
    faults.push(`I2: snapshots tell of turns ${snapshots.join(', ')} of 0 to ${lastIsTold}`);
  }
  if (!same(ready, upTo(1, lastIsTold))) {
    faults.push(`I2: players were told of turns ${ready.join(', ')} of 1 to ${lastIsTold}`);
  }
  const endings = lobby.filter(({ event_type }) => event_type === 'game_finished').length;
  if (endings !== (status === 'finished' ? 1 : 0)) {
    faults.push(`I2: ${endings} events tell of the end of a game that is ${status}`);
  }
  if (isTerminal(status) && lobby.length === 0) faults.push('I2: nobody was told how the game ended');
  return faults;
}

/** Whether an event tells of the engine alone, that it is well again or no longer, and of no turn. */
function isOfHealth(event: Record<string, unknown>, before: Record<string, unknown> | undefined): boolean {
  return (
    before?.['current_turn'] === event['current_turn'] &&
    (before?.['runtime_status'] === 'engine_unreachable' ||
      before?.['engine_health_summary'] !== event['engine_health_summary'])
  );
}

function upTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Causes of failed workflow tasks; those that only say that news came in the meantime are in order. */
async function failedWorkflowTasks(gm: GameMaster, gameId: string): Promise<string[]> {
  const { events } = await gm.workflow(gameId).fetchHistory();
  return (events ?? []).flatMap(({ workflowTaskFailedEventAttributes: failed }) => {
    if (!failed) return [];
    const cause = failed.failure?.message ?? '';
    return cause === '' || cause === 'UnhandledCommand' ? [] : [cause];
  });
}
