/** Every notification there is: to whom it goes, by which channels, and what it says. */
import type { NotificationIntent } from '../../pkg/notificationintent';

export type ChannelName = 'push' | 'email';

type IntentOf<Type> = Extract<NotificationIntent, { notification_type: Type }>;

interface Row<Intent extends NotificationIntent> {
  audience: Intent['audience'];
  channels: readonly ChannelName[];
  /** One line, in ASCII: it becomes the subject of mails. */
  title: (payload: Intent['payload']) => string;
  text: (payload: Intent['payload']) => string;
}

export const CATALOGUE: { readonly [Type in NotificationIntent['notification_type']]: Row<IntentOf<Type>> } =
  {
    'game.turn.ready': {
      audience: 'users',
      channels: ['push'],
      title: ({ game_id, turn_number }) => `Turn ${turn_number} of ${game_id} is ready`,
      text: () => 'The reports of the new turn can be read, and orders for the next one are taken.',
    },
    'game.finished': {
      audience: 'users',
      channels: ['push'],
      title: ({ game_id, final_turn_number }) => `${game_id} finished with turn ${final_turn_number}`,
      text: () => 'The game is over.',
    },
    'game.generation_failed': {
      audience: 'admin_email',
      channels: ['email'],
      title: ({ game_id, turn_number }) => `Turn ${turn_number} of ${game_id} could not be made`,
      text: ({ game_id, turn_number, failure_reason }) =>
        `Game Master could not make turn ${turn_number} of game ${game_id}: ${failure_reason}.\n` +
        'No further turn is made until somebody forces one.',
    },
    'lobby.runtime_paused_after_start': {
      audience: 'admin_email',
      channels: ['email'],
      title: ({ game_id }) => `${game_id} is paused after its start`,
      text: ({ game_id, game_name }) =>
        `The engine of game ${game_id} ("${game_name}") is up, and Game Master could not take it over.\n` +
        'Lobby has paused the game until somebody resumes it.',
    },
  };

/** What a notification says, whatever its type. */
export function wordsOf(intent: NotificationIntent): { title: string; text: string } {
  // The table pairs each type with its payload, which is lost where the type is any of them.
  const row = CATALOGUE[intent.notification_type] as Row<NotificationIntent>;
  return { title: row.title(intent.payload), text: row.text(intent.payload) };
}
