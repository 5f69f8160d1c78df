import type { JWK } from 'jose';
import { ActiveCall } from './active-call.ts';
import type { Outcome } from './call.ts';
import { checkFields } from './check-fields.ts';
import type { Config } from './config.ts';
import type { Rpc } from './contract.ts';
import { type Database, openDatabase } from './database.ts';
import { type AnyFunction, type Caller, defaultLimits, type Limits } from './define-function.ts';
import { createIdentity, type Identity } from './identity.ts';
import { createLog, type Log } from './log.ts';
import type { Write } from './log-output.ts';
import { commonRefusals, Refusal, refuse, refuseFields, type Violation } from './refusal.ts';
import { readSettings } from './settings.ts';
import type { Sql } from './sql.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';
import { newTraceId, parseTraceparent, requestIdFrom } from './trace-context.ts';

declare const __VERSION__: string;
export const version = typeof __VERSION__ === 'undefined' ? '0.0.0-source' : __VERSION__;

/** A request message, and what was wrong with it on the wire. */
export interface Decoded {
  readonly message: object;
  readonly violations: readonly Violation[];
}

/** Request headers by lower-case name; a header that came twice is joined by a comma. */
export interface Headers {
  header(name: string): string | undefined;
}

/** One function with everything it needs, whatever the protocol that asks it. */
export interface Application {
  readonly rpc: Rpc;
  readonly limits: Limits;
  readonly cacheSeconds: number | undefined;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** Begins a call from the headers that the edge sets. */
  arrive(headers: Headers): ActiveCall;
  /**
   * Verifies the caller, decodes, checks every field, runs the operation.
   * Gives a promise only where something has to be waited for.
   * @throws a Refusal, or whatever broke inside: see `asRefusal`.
   */
  perform(call: ActiveCall, authorization: string | undefined, decode: () => Decoded | Promise<Decoded>): object | Promise<object>;
  /** Logs and counts a call that has been answered. */
  ended(call: ActiveCall, outcome: Outcome): void;
  /** Loads what the first call will need. */
  warm(): void;
  /** Calls that have not been answered. */
  readonly inFlight: number;
  close(): Promise<void>;
}

const now = () => new Date();

/** An operation's tools. What is the same for every call stands in the prototype; the abort signal is made for those who look at it. */
function toolsClass(same: object) {
  class CallTools {
    readonly caller: Caller;
    readonly queries: object;
    readonly #call: ActiveCall;

    constructor(call: ActiveCall, caller: Caller, queries: object) {
      this.#call = call;
      this.caller = caller;
      this.queries = queries;
    }

    get signal(): AbortSignal {
      return this.#call.signal;
    }
  }
  Object.assign(CallTools.prototype, same);
  return CallTools;
}
type ToolsClass = ReturnType<typeof toolsClass>;

const noParts = {};
const noQueries = {};
const nobody: Caller = { userId: '', sessionId: '' };

/** The edge sets X-Forwarded-For to the one address it saw; the platform's own proxies add theirs behind it. */
const firstAddress = (forwarded: string | undefined): string | undefined => {
  if (forwarded === undefined) return undefined;
  const comma = forwarded.indexOf(',');
  return comma < 0 ? forwarded : forwarded.slice(0, comma);
};

/** Makes whatever was thrown a Refusal. The cause stays inside, for the log. */
export function asRefusal(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  return refuse('INTERNAL', { cause: thrown });
}

const needsDatabase = (definition: AnyFunction): boolean =>
  definition.rpc.access === 'CALLER' || definition.queries !== undefined || definition.parts !== undefined;

/**
 * Puts a function together with its configuration. Opens no socket and no connection.
 * @throws Error that names each missing or wrong variable.
 */
export function createApplication(
  definition: AnyFunction,
  config: Config,
  environment: Readonly<Record<string, string | undefined>>,
  writeLog?: Write,
): Application {
  const { rpc } = definition;
  const limits: Limits = { ...defaultLimits, ...definition.limits };
  const settings = readSettings(definition.settings ?? {}, environment);
  if (needsDatabase(definition) && config.databaseUrl === '')
    throw new Error('The environment is not complete:\n  DATABASE_URL is missing');
  const log = createLog({ functionName: rpc.functionName, revision: config.revision, ...(writeLog && { write: writeLog }) });
  const telemetry = createTelemetry({
    endpoint: config.otlpEndpoint,
    functionName: rpc.functionName,
    revision: config.revision,
    version,
    log,
    rpc,
  });

  let database: Database | undefined;
  const openedDatabase = (): Database => {
    database ??= openDatabase({
      url: config.databaseUrl,
      prepare: config.databasePrepare,
      poolMax: limits.poolMax,
      applicationName: rpc.functionName,
      refusals: { ...commonRefusals, ...definition.refusals },
      onChange: (reachable, cause) =>
        reachable ? log.info('the database is back', {}) : log.error('the database is out of reach', { cause }),
    });
    return database;
  };
  const processSql: Sql = (strings, ...values) => openedDatabase().sql(strings, ...values);

  let identity: Identity | undefined;
  const identityOf = (): Identity => {
    identity ??= createIdentity({
      issuer: config.tokenIssuer,
      audience: config.tokenAudience,
      nowMs: Date.now,
      fetchKeys: async () => (await processSql<{ jwk: JWK }>`select jwk from auth.verification_keys()`).map((row) => row.jwk),
    });
    return identity;
  };

  let parts: Promise<object> | object | undefined;
  const partsOf = (): Promise<object> | object => {
    if (parts !== undefined) return parts;
    const made = definition.parts?.({ settings, sql: processSql, now }) ?? noParts;
    parts = made;
    if (made instanceof Promise) {
      made.then(
        (done) => {
          parts = done;
        },
        () => {
          parts = undefined; // the next call tries again
        },
      );
    }
    return parts as Promise<object> | object;
  };

  let kept: { parts: object; Tools: ToolsClass } | undefined;
  const toolsWith = (parts: object): ToolsClass => {
    if (kept?.parts !== parts) kept = { parts, Tools: toolsClass({ now, version, ...parts }) };
    return kept.Tools;
  };

  // Whatever need not wait does not: a call whose caller is known and whose request has no body makes no promise before its statement.
  const decodeAs = (call: ActiveCall, caller: Caller, decode: () => Decoded | Promise<Decoded>): object | Promise<object> => {
    call.userId = caller.userId === '' ? undefined : caller.userId;
    const decoding = decode();
    return decoding instanceof Promise ? decoding.then((decoded) => check(call, caller, decoded)) : check(call, caller, decoding);
  };
  const check = (call: ActiveCall, caller: Caller, { message, violations }: Decoded): object | Promise<object> => {
    // The messages of a stream are checked as they come (http-stream.ts, grpc-stream.ts).
    const faults = rpc.clientStreaming ? violations : withChecks(violations, checkFields(rpc.request, message, caller.userId));
    if (faults.length > 0) throw refuseFields(faults);
    const made = partsOf();
    return made instanceof Promise ? made.then((parts) => operate(call, caller, message, parts)) : operate(call, caller, message, made);
  };
  const operate = (call: ActiveCall, caller: Caller, message: object, made: object): object | Promise<object> =>
    definition.operation(message, new (toolsWith(made))(call, caller, definition.queries?.(openedDatabase().bind(call)) ?? noQueries));

  let inFlight = 0;
  telemetry.watch({ inFlight: () => inFlight, pool: () => database?.usage() ?? { used: 0, idle: 0, waiting: 0, max: limits.poolMax } });

  return {
    rpc,
    limits,
    cacheSeconds: definition.cacheSeconds,
    log,
    telemetry,
    get inFlight() {
      return inFlight;
    },
    arrive(headers) {
      inFlight++;
      const context = parseTraceparent(headers.header('traceparent'));
      const traceId = context?.traceId ?? newTraceId();
      const sampled = telemetry.samples(traceId, context?.sampled);
      return new ActiveCall(
        requestIdFrom(headers.header('x-request-id')),
        traceId,
        context?.parentSpanId,
        sampled,
        firstAddress(headers.header('x-forwarded-for')),
        telemetry.enabled,
      );
    },
    perform(call, authorization, decode) {
      if (rpc.access !== 'CALLER') return decodeAs(call, nobody, decode);
      const known = identityOf().cached(authorization);
      if (known !== undefined) return decodeAs(call, known, decode);
      return identityOf()
        .verifyHeader(authorization)
        .then((caller) => decodeAs(call, caller, decode));
    },
    ended(call, outcome) {
      inFlight--;
      log.request(call, outcome);
      telemetry.requestEnded(call, outcome);
    },
    warm() {
      if (!needsDatabase(definition)) return;
      openedDatabase().warm();
      if (rpc.access === 'CALLER') identityOf().warm();
      const made = partsOf();
      if (made instanceof Promise) made.catch(() => {});
    },
    async close() {
      await database?.close();
      await telemetry.shutdown(2_000);
      log.flush();
    },
  };
}

/** A field that could not be read is not blamed a second time for being empty. */
function withChecks(read: readonly Violation[], checked: readonly Violation[]): readonly Violation[] {
  if (read.length === 0) return checked;
  const seen = new Set(read.map((violation) => violation.path.join('/')));
  return [...read, ...checked.filter((violation) => !seen.has(violation.path.join('/')))];
}
