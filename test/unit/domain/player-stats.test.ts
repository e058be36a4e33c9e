import { projectPlayerStats } from '../../../domain/player-stats';

const members = [
  { userId: 'ann', raceName: 'Aelinari' },
  { userId: 'bob', raceName: 'Borg' },
];

test('players are told by user, in the order of the engine, with their figures alone', () => {
  const players = [
    { id: '1', race_name: 'Borg', planets: 3, population: 12.5 },
    { id: '2', race_name: 'Aelinari', planets: 0, population: 0 },
  ];
  expect(projectPlayerStats(players, members)).toEqual([
    { user_id: 'bob', planets: 3, population: 12.5 },
    { user_id: 'ann', planets: 0, population: 0 },
  ]);
});

test('races of nobody are left out, and members without a player too', () => {
  const players = [{ race_name: 'Natives', planets: 9, population: 9 }];
  expect(projectPlayerStats(players, members)).toEqual([]);
});

test('names are compared to the letter', () => {
  const players = [{ race_name: 'borg', planets: 1, population: 1 }];
  expect(projectPlayerStats(players, members)).toEqual([]);
});
