/**
 * Makes games part of traces, in the bundle that is used while tracing is on. The workflow's own code knows nothing of
 * it. Temporal's interceptors for workflows are not used, for two reasons. They put all that a run does under the span
 * of the run, which lasts for months: here a call's activities go under the call, and what no call asked for begins a
 * trace of its own. And they await what they pass on, which changes the order of commands: a game could not be replayed
 * with the other bundle, and tracing not be switched on or off.
 */
import { context, ROOT_CONTEXT, SpanStatusCode, trace, type Context, type Tracer } from '@opentelemetry/api';
import {
  extractContextFromHeaders,
  headersWithContext,
} from '@temporalio/interceptors-opentelemetry-v2/lib/instrumentation';
import {
  OpenTelemetryInboundInterceptor,
  OpenTelemetryInternalsInterceptor,
} from '@temporalio/interceptors-opentelemetry-v2/lib/workflow';
import type {
  ActivityInput,
  Next,
  UpdateInput,
  WorkflowInboundCallsInterceptor,
  WorkflowInterceptors,
  WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import type { Operation } from '../activities/operation';
import { registerUpdate, type Call } from './messages';

/** Stands for the key of a registration, which not all that is done for it tells; nothing else goes on meanwhile. */
const REGISTRATION = 'the registration';

class GameSpans implements WorkflowInboundCallsInterceptor, WorkflowOutboundCallsInterceptor {
  /** The spans of the calls under way, by key. */
  private readonly calls = new Map<string, Context>();

  constructor(private readonly tracer: Tracer) {}

  handleUpdate(
    input: UpdateInput,
    next: Next<WorkflowInboundCallsInterceptor, 'handleUpdate'>,
  ): Promise<unknown> {
    const { key } = input.args[0] as Call<unknown>;
    const call = input.name === registerUpdate.name ? REGISTRATION : key;
    const caller = extractContextFromHeaders(input.headers) ?? ROOT_CONTEXT;
    return this.inSpan(`HandleUpdate:${input.name}`, caller, () => {
      this.calls.set(call, context.active());
      const answered = next(input);
      const forget = (): void => void this.calls.delete(call);
      answered.then(forget, forget);
      return answered;
    });
  }

  scheduleActivity(
    input: ActivityInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'scheduleActivity'>,
  ): Promise<unknown> {
    const { operation } = input.args[0] as { operation?: Operation };
    const call = operation?.key && this.calls.get(operation.key.idempotencyKey);
    const parent = call ?? this.calls.get(REGISTRATION) ?? ROOT_CONTEXT;
    return this.inSpan(`StartActivity:${input.activityType}`, parent, () =>
      next({ ...input, headers: headersWithContext(input.headers) }),
    );
  }

  /** Hands on the very promise of `work`. */
  private inSpan(name: string, parent: Context, work: () => Promise<unknown>): Promise<unknown> {
    return this.tracer.startActiveSpan(name, {}, parent, (span) => {
      const result = work();
      result.then(
        () => span.end(),
        (error: unknown) => span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) }).end(),
      );
      return result;
    });
  }
}

export function interceptors(): WorkflowInterceptors {
  // Sets tracing up inside the sandbox when it is made, and is good for nothing else here.
  new OpenTelemetryInboundInterceptor();
  const spans = new GameSpans(trace.getTracer('gamemaster-workflow'));
  return { inbound: [spans], outbound: [spans], internals: [new OpenTelemetryInternalsInterceptor()] };
}
