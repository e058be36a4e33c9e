import {
  Client,
  Connection,
  isGrpcServiceError,
  isRetryableError,
  makeGrpcRetryInterceptor,
  type ClientPlugin,
} from '@temporalio/client';

export interface TemporalOptions {
  /** `host:port` of the frontend. */
  address: string;
  namespace: string;
  /** What watches over the calls, such as tracing. */
  plugins?: ClientPlugin[];
}

/** The gRPC statuses that callers decide by. */
export const GRPC_STATUS = {
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  RESOURCE_EXHAUSTED: 8,
  ABORTED: 10,
  UNAVAILABLE: 14,
} as const;

const MOST_ATTEMPTS = 20;
const LONGEST_RETRY_DELAY_MS = 150;

/**
 * A client whose connection opens with the first call, so that a process starts without Temporal. Calls must be made
 * within `withDeadline`: one to a server that is gone would hang for 20 s otherwise.
 *
 * RESOURCE_EXHAUSTED is not retried, unlike in the SDK's own default: a game that has no update slot left would keep
 * its caller for the whole deadline, who can do better.
 */
export function connectTemporal({ address, namespace, plugins = [] }: TemporalOptions): Client {
  const connection = Connection.lazy({
    address,
    interceptors: [
      makeGrpcRetryInterceptor({
        retryableDecider: (attempt, status) => {
          const code: number = status.code;
          return (
            attempt < MOST_ATTEMPTS && code !== GRPC_STATUS.RESOURCE_EXHAUSTED && isRetryableError(status)
          );
        },
        // Short, because a retry that waits does not see its deadline pass.
        delayFunction: (attempt) =>
          Math.min(LONGEST_RETRY_DELAY_MS, 25 * 2 ** attempt) * (0.5 + Math.random() / 2),
      }),
    ],
    channelArgs: {
      // Found again within seconds after an outage, however long it was; gRPC's default is two minutes.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      // A connection that is silently dead is noticed before the next call needs it.
      'grpc.keepalive_time_ms': 15_000,
      'grpc.keepalive_timeout_ms': 5_000,
    },
  });
  return new Client({ connection, namespace, plugins });
}

/** Resolves when the namespace answers within `timeoutMs`; throws the gRPC error otherwise. */
export async function pingTemporal({ connection, options }: Client, timeoutMs: number): Promise<void> {
  await connection.withDeadline(Date.now() + timeoutMs, () =>
    connection.workflowService.describeNamespace({ namespace: options.namespace }),
  );
}

/** The gRPC status that `error` comes from, through the wrappings of the SDK; undefined when there is none. */
export function grpcStatusOf(error: unknown): number | undefined {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (isGrpcServiceError(inner)) return inner.code;
  }
  return undefined;
}
