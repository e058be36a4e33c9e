export type Log = (level: 'info' | 'error', msg: string, fields?: Record<string, unknown>) => void;

/** One JSON object a line on standard output. */
export const logToStdout: Log = (level, msg, fields) => {
  process.stdout.write(`${JSON.stringify({ level, time: new Date().toISOString(), msg, ...fields })}\n`);
};
