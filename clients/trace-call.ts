/** Runs a call to a neighbour as a span; the headers that it is given carry the trace on. */
export type TraceCall = <Answer>(
  span: { name: string; attributes: Record<string, string> },
  call: (headers: Record<string, string>) => Promise<Answer>,
) => Promise<Answer>;
