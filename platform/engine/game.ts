/** The rules of the game, such as they are: pure functions of a plain value that is kept on disk as it stands. */

export interface Race {
  /** UUID, the same for the whole game. */
  id: string;
  race_name: string;
}

export interface Game {
  id: string;
  /** Turns made so far. */
  turn: number;
  /** There will be no further turn. Kept, so that a changed setting does not reopen a game. */
  finished: boolean;
  races: Race[];
}

interface Holdings {
  planets: number;
  population: number;
}

/** `StateResponse` of openapi.yaml. */
export interface State {
  id: string;
  turn: number;
  finished: boolean;
  player: (Race & Holdings)[];
}

/** `Report` of openapi.yaml. */
export interface Report extends Holdings {
  turn: number;
  race_name: string;
}

/** A game at turn 0. `newId` gives a new UUID at each call. */
export function newGame(raceNames: string[], newId: () => string): Game {
  return {
    id: newId(),
    turn: 0,
    finished: false,
    races: raceNames.map((race_name) => ({ id: newId(), race_name })),
  };
}

/** The same game one turn later. It finishes at turn `finishTurn`; 0 is never. */
export function afterTurn(game: Game, finishTurn: number): Game {
  const turn = game.turn + 1;
  return { ...game, turn, finished: finishTurn > 0 && turn >= finishTurn };
}

/** Whether the game is played by exactly these races, in whatever order. */
export function isPlayedBy(game: Game, raceNames: string[]): boolean {
  const names = new Set(raceNames);
  return game.races.length === names.size && game.races.every((race) => names.has(race.race_name));
}

export function stateOf(game: Game): State {
  return {
    id: game.id,
    turn: game.turn,
    finished: game.finished,
    player: game.races.map((race) => ({ ...race, ...holdings(race.race_name, game.turn) })),
  };
}

/** What a race of the game had at a turn that was made. */
export function reportOf(raceName: string, turn: number): Report {
  return { turn, race_name: raceName, ...holdings(raceName, turn) };
}

/**
 * Growth depends on nothing but the name and the turn. So reports of past turns need no history, and whoever
 * tests against this engine can foretell its figures.
 */
function holdings(raceName: string, turn: number): Holdings {
  const seed = fnv1a(raceName);
  const turnsPerPlanet = 2 + ((seed >>> 4) % 3);
  const birthsPerTurn = 5 + ((seed >>> 8) % 6);
  return {
    planets: 1 + (seed % 3) + Math.floor(turn / turnsPerPlanet),
    population: 100 + ((seed >>> 16) % 50) + turn * birthsPerTurn,
  };
}

/** 32-bit FNV-1a over UTF-16 code units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
