import { LobbyUnavailable } from '../clients/lobby';
import { GameMasterError } from '../domain/errors';
import type { HotPathStore } from '../stores/hot-path';
import type { MembershipCache } from './membership-cache';

/** A player who was let in: where the game's engine is, and as whom to speak there. */
export interface Admission {
  engineEndpoint: string;
  raceName: string;
}

/** Decides about players' calls: from the game's row as it is now, and from what Lobby says of its members. */
export class Doorkeeper {
  constructor(
    private readonly store: Pick<HotPathStore, 'view'>,
    private readonly memberships: Pick<MembershipCache, 'mayPlay'>,
  ) {}

  /**
   * The first of these that applies is what a caller is told.
   *
   * @throws GameMasterError runtime_not_found, runtime_not_running, forbidden, service_unavailable
   */
  async admit(gameId: string, userId: string): Promise<Admission> {
    const view = await this.store.view(gameId, userId);
    if (view === null) throw new GameMasterError('runtime_not_found', `game ${gameId} is not registered`);
    const { status, engineEndpoint, membershipEpoch, raceName } = view;
    if (status !== 'running') throw new GameMasterError('runtime_not_running', `game ${gameId} is ${status}`);
    if (raceName === null) {
      throw new GameMasterError('forbidden', `user ${userId} has no race in game ${gameId}`);
    }
    if (!(await this.isMember(gameId, membershipEpoch, userId))) {
      throw new GameMasterError('forbidden', `user ${userId} is no active member of game ${gameId}`);
    }
    return { engineEndpoint, raceName };
  }

  private async isMember(gameId: string, epoch: number, userId: string): Promise<boolean> {
    try {
      return await this.memberships.mayPlay(gameId, epoch, userId);
    } catch (cause) {
      if (!(cause instanceof LobbyUnavailable)) throw cause;
      throw new GameMasterError('service_unavailable', 'Lobby cannot be asked who plays', { cause });
    }
  }
}
