import type { Rpc } from './contract.ts';
import type { RefusalTable } from './refusal.ts';
import type { Settings, SettingsOf } from './settings.ts';
import type { Sql } from './sql.ts';

/** Who calls: always from a verified access token, never from the request. */
export interface Caller {
  readonly userId: string;
  readonly sessionId: string;
}

/** Every limit of a function, written once. Manifests, pools, timeouts and alerts follow from it. */
export interface Limits {
  /** Requests at once in one instance, before the platform starts another. */
  readonly concurrency: number;
  /** From the first byte of a request to its answer, reading the body included. */
  readonly timeoutSeconds: number;
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  /** Database connections of one instance. */
  readonly poolMax: number;
  /** Instances; scaleMin 0 lets it go to zero. */
  readonly scaleMin: number;
  readonly scaleMax: number;
  readonly memoryMib: number;
  /** Thousandths of a core, asked for. */
  readonly cpuMilli: number;
}

export const defaultLimits: Limits = {
  concurrency: 100,
  timeoutSeconds: 10,
  bodyBytesMax: 64 * 1024,
  headerBytesMax: 16 * 1024,
  poolMax: 2,
  scaleMin: 0,
  scaleMax: 5,
  memoryMib: 256,
  cpuMilli: 100,
};

/** What an operation may touch besides its request. `Parts` are the function's own long-lived parts (a key store, a hash queue). */
export type Tools<Queries, Parts> = {
  readonly queries: Queries;
  /** Set for rpcs with access CALLER. For PUBLIC ones it is an empty pair. */
  readonly caller: Caller;
  /** The time as this call sees it. */
  readonly now: () => Date;
  /** Aborts when the client goes away or the deadline passes. Queries follow it by themselves. */
  readonly signal: AbortSignal;
  /** The version of this build, for HealthCheck. */
  readonly version: string;
} & Parts;

/** What a function's parts are made from: once in a process, when the first call needs them. */
export interface PartsContext<S> {
  readonly settings: S;
  /** The process's own pool, bound to no call: for key stores that refresh by themselves. */
  readonly sql: Sql;
  readonly now: () => Date;
}

export interface FunctionDefinition<Request, Response, Queries, Spec extends Settings, Parts> {
  readonly rpc: Rpc<Request, Response>;
  readonly operation: (request: Request, tools: Tools<Queries, Parts>) => Promise<Response> | Response;
  /** Named statements, bound for each call to its deadline, its span and its errors. */
  readonly queries?: (sql: Sql) => Queries;
  /** What it reads from the environment; the process dies at the door where one is missing. */
  readonly settings?: Spec;
  readonly parts?: (context: PartsContext<SettingsOf<Spec>>) => Promise<Parts> | Parts;
  /** The domain's own rows of the error table. */
  readonly refusals?: RefusalTable;
  readonly limits?: Partial<Limits>;
  /** For how long anybody may keep a successful HTTP answer. Without it nobody may: answers are their caller's own. */
  readonly cacheSeconds?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: the runtime holds functions of every type
export type AnyFunction = FunctionDefinition<any, any, any, any, any>;

/** A function whose answer is a stream, and whose request may be one: `Incoming` is a request, or all of them as they come. */
export type StreamDefinition<
  Request,
  Response,
  Incoming extends Request | AsyncIterable<Request>,
  Queries,
  Spec extends Settings,
  Parts,
> = Omit<FunctionDefinition<Request, Response, Queries, Spec, Parts>, 'operation' | 'cacheSeconds'> & {
  readonly operation: (incoming: Incoming, tools: Tools<Queries, Parts>) => AsyncIterable<Response>;
};

/** The same for a function whose answer is a stream. Its timeoutSeconds are those of the whole stream. */
export function defineStream<
  Request,
  Response,
  Incoming extends Request | AsyncIterable<Request>,
  Queries = Record<string, never>,
  Spec extends Settings = Settings,
  Parts = unknown,
>(
  definition: StreamDefinition<Request, Response, Incoming, Queries, Spec, Parts>,
): StreamDefinition<Request, Response, Incoming, Queries, Spec, Parts> {
  return definition;
}

/** A function is data: importing it opens nothing. */
export function defineFunction<Request, Response, Queries = Record<string, never>, Spec extends Settings = Settings, Parts = unknown>(
  definition: FunctionDefinition<Request, Response, Queries, Spec, Parts>,
): FunctionDefinition<Request, Response, Queries, Spec, Parts> {
  return definition;
}
