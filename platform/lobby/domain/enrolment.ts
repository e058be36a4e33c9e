/** Who may come into a game, and when it has enough players: each rule a row, the first that applies decides. */
import { allows, type GameStatus } from './game-status';

export type MemberStatus = 'active' | 'removed' | 'blocked';

/** Everything that decides whether somebody gets a place. */
export interface Candidacy {
  gameStatus: GameStatus;
  maxPlayers: number;
  activePlayers: number;
  /** What the person is in the game so far. */
  member: MemberStatus | null;
  /** Whether an application of theirs waits already, other than the one in question. */
  hasApplied: boolean;
  /** Whether somebody else plays the race, or has asked for it. */
  isRaceTaken: boolean;
}

export interface EnrolmentRefusal {
  code: 'conflict' | 'forbidden' | 'game_full' | 'race_name_taken' | 'not_enough_players';
  message: string;
}

interface Rule<Facts> {
  applies: (facts: Facts) => boolean;
  code: EnrolmentRefusal['code'];
  message: (facts: Facts) => string;
}

const JOINING: readonly Rule<Candidacy>[] = [
  {
    applies: ({ gameStatus }) => !allows(gameStatus, 'join'),
    code: 'conflict',
    message: ({ gameStatus }) => `nobody can join: the game is ${gameStatus}`,
  },
  {
    applies: ({ member }) => member === 'blocked',
    code: 'forbidden',
    message: () => 'this person was blocked in this game',
  },
  {
    applies: ({ member }) => member === 'active',
    code: 'conflict',
    message: () => 'this person plays already',
  },
  {
    applies: ({ hasApplied }) => hasApplied,
    code: 'conflict',
    message: () => 'an application of this person is waiting',
  },
  {
    applies: ({ activePlayers, maxPlayers }) => activePlayers >= maxPlayers,
    code: 'game_full',
    message: ({ maxPlayers }) => `all ${maxPlayers} places are taken`,
  },
  {
    applies: ({ isRaceTaken }) => isRaceTaken,
    code: 'race_name_taken',
    message: () => 'somebody has or wants this race',
  },
];

interface Readiness {
  gameStatus: GameStatus;
  minPlayers: number;
  activePlayers: number;
}

const STARTING: readonly Rule<Readiness>[] = [
  {
    applies: ({ gameStatus }) => !allows(gameStatus, 'start'),
    code: 'conflict',
    message: ({ gameStatus }) => `the game is ${gameStatus}`,
  },
  {
    applies: ({ activePlayers, minPlayers }) => activePlayers < minPlayers,
    code: 'not_enough_players',
    message: ({ activePlayers, minPlayers }) =>
      `the game needs ${minPlayers} players and has ${activePlayers}`,
  },
];

/** Why the person gets no place; null when they do. */
export function refusalToJoin(candidacy: Candidacy): EnrolmentRefusal | null {
  return firstOf(JOINING, candidacy);
}

/** Why the game cannot be started; null when it can. */
export function refusalToStart(readiness: Readiness): EnrolmentRefusal | null {
  return firstOf(STARTING, readiness);
}

function firstOf<Facts>(rules: readonly Rule<Facts>[], facts: Facts): EnrolmentRefusal | null {
  const rule = rules.find(({ applies }) => applies(facts));
  return rule === undefined ? null : { code: rule.code, message: rule.message(facts) };
}
