/** What Temporal's SDK and its core call the id of a workflow, at the top of a line or in one of its objects. */
const WORKFLOW_ID = new Set(['workflowId', 'workflow_id']);
const PREFIX = 'game-';

/** The fields of a line that Temporal's SDK logs: one that tells of a game has the game's id. */
export function temporalLine(meta: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { error, ...fields } = meta;
  const workflowId = findWorkflowId(fields);
  return {
    ...(workflowId?.startsWith(PREFIX) && { game_id: workflowId.slice(PREFIX.length) }),
    ...fields,
    // Under this name an error keeps its message and stack.
    ...(error !== undefined && { err: error }),
  };
}

function findWorkflowId(fields: object): string | undefined {
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (WORKFLOW_ID.has(name) && typeof value === 'string') return value;
    const inside = typeof value === 'object' && value !== null ? findWorkflowId(value) : undefined;
    if (inside !== undefined) return inside;
  }
  return undefined;
}
