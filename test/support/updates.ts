import { randomUUID } from 'node:crypto';
import { ApplicationFailure, WorkflowUpdateFailedError, WorkflowUpdateStage } from '@temporalio/client';
import { hashOfRequest } from '../../api/request-hash';
import { banishUpdate, patchUpdate, type OutcomeIdentity } from '../../workflows/messages';
import type { GameMaster } from './game-master';

const UPDATES = { patch: patchUpdate, banish: banishUpdate } as const;

interface Body {
  patch: { version: string };
  banish: { race_name: string };
}

export type Outcome = { ok: true; hash: string } | { ok: false; code: string; message: string };

/** A call on its way to a game: whether it was accepted is known when this resolves. */
export interface Sent {
  outcome: Promise<Outcome>;
}

/**
 * Asks a game by its update, as the front door does, and gives what it answers. A key that is given twice is the same
 * call to the run that knows it.
 */
export async function update<Kind extends keyof typeof UPDATES>(
  gm: GameMaster,
  gameId: string,
  kind: Kind,
  body: Body[Kind],
  key?: string,
): Promise<Outcome> {
  return (await send(gm, gameId, kind, body, key)).outcome;
}

/** Resolves when the game has accepted the call. */
export async function send<Kind extends keyof typeof UPDATES>(
  gm: GameMaster,
  gameId: string,
  kind: Kind,
  body: Body[Kind],
  key: string = randomUUID(),
): Promise<Sent> {
  const call = {
    body,
    key,
    hash: hashOfRequest(kind, body),
    source: 'admin' as const,
    actor: 'test',
    accept_before: new Date(Date.now() + 20_000).toISOString(),
  };
  const handle = await gm.workflow(gameId).startUpdate<OutcomeIdentity, [typeof call]>(UPDATES[kind].name, {
    args: [call],
    updateId: `${kind}:${key}`,
    waitForStage: WorkflowUpdateStage.ACCEPTED,
  });
  return {
    outcome: handle.result().then(
      ({ hash }) => ({ ok: true, hash }),
      (error: unknown) => {
        const failure = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
        if (!(failure instanceof ApplicationFailure)) throw error;
        return { ok: false, code: failure.type ?? '', message: failure.message };
      },
    ),
  };
}
