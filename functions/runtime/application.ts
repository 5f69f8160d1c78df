import { performance } from 'node:perf_hooks';
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
import { commonRefusals, Refusal, refuse, refuseFields, type Violation } from './refusal.ts';
import { readSettings } from './settings.ts';
import type { Sql } from './sql.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';
import { newSpanId, newTraceId, parseTraceparent, requestIdFrom } from './trace-context.ts';

declare const __VERSION__: string;
export const version = typeof __VERSION__ === 'undefined' ? '0.0.0-source' : __VERSION__;

/** A request message, and what was wrong with it on the wire. */
export interface Decoded {
  readonly message: object;
  readonly violations: readonly Violation[];
}

/** One function with everything it needs, whatever the protocol that asks it. */
export interface Application {
  readonly rpc: Rpc;
  readonly limits: Limits;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** Begins a call from the headers that the edge sets. */
  arrive(header: (name: string) => string | undefined): ActiveCall;
  /**
   * Verifies the caller, decodes, checks every field, runs the operation.
   * @throws Refusal, and nothing else.
   */
  perform(call: ActiveCall, authorization: string | undefined, decode: () => Decoded | Promise<Decoded>): Promise<object>;
  /** Logs and counts a call that has been answered. */
  ended(call: ActiveCall, outcome: Outcome): void;
  /** Loads what the first call will need. */
  warm(): void;
  /** Calls that have not been answered. */
  readonly inFlight: number;
  close(): Promise<void>;
}

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
): Application {
  const { rpc } = definition;
  const limits: Limits = { ...defaultLimits, ...definition.limits };
  const settings = readSettings(definition.settings ?? {}, environment);
  if (needsDatabase(definition) && config.databaseUrl === '')
    throw new Error('The environment is not complete:\n  DATABASE_URL is missing');
  const log = createLog({ functionName: rpc.functionName, revision: config.revision });
  const telemetry = createTelemetry({
    endpoint: config.otlpEndpoint,
    functionName: rpc.functionName,
    revision: config.revision,
    version,
    log,
  });
  const now = () => new Date();

  let database: Database | undefined;
  const openedDatabase = (): Database => {
    database ??= openDatabase({
      url: config.databaseUrl,
      prepare: config.databasePrepare,
      poolMax: limits.poolMax,
      applicationName: rpc.functionName,
      refusals: { ...commonRefusals, ...definition.refusals },
    });
    return database;
  };
  const processSql: Sql = (strings, ...values) => openedDatabase().sql(strings, ...values);

  let identity: Identity | undefined;
  const identityOf = (): Identity => {
    identity ??= createIdentity({
      issuer: config.tokenIssuer,
      audience: config.tokenAudience,
      now,
      fetchKeys: async () => (await processSql<{ jwk: JWK }>`select jwk from auth.verification_keys()`).map((row) => row.jwk),
    });
    return identity;
  };

  let parts: Promise<object> | object | undefined;
  const partsOf = (): Promise<object> | object => {
    if (parts !== undefined) return parts;
    const made = definition.parts?.({ settings, sql: processSql, now }) ?? {};
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

  const callerOf = (authorization: string | undefined): Caller | Promise<Caller> => {
    const token = bearerToken(authorization);
    return identityOf().cached(token) ?? identityOf().verify(token);
  };

  let inFlight = 0;

  return {
    rpc,
    limits,
    log,
    telemetry,
    get inFlight() {
      return inFlight;
    },
    arrive(header) {
      inFlight++;
      const context = parseTraceparent(header('traceparent'));
      return new ActiveCall(
        {
          requestId: requestIdFrom(header('x-request-id')),
          traceId: context?.traceId ?? newTraceId(),
          spanId: newSpanId(),
          parentSpanId: context?.parentSpanId,
          sampled: context?.sampled ?? telemetry.enabled,
          callerAddress: firstAddress(header('x-forwarded-for')),
        },
        telemetry.enabled,
      );
    },
    async perform(call, authorization, decode) {
      try {
        let caller = nobody;
        if (rpc.access === 'CALLER') {
          const known = callerOf(authorization);
          caller = known instanceof Promise ? await known : known;
          call.userId = caller.userId;
        }
        const decoding = decode();
        const { message, violations } = decoding instanceof Promise ? await decoding : decoding;
        const faults = withChecks(violations, checkFields(rpc.request, message, caller.userId));
        if (faults.length > 0) throw refuseFields(faults);
        const made = partsOf();
        const tools = {
          ...(made instanceof Promise ? await made : made),
          queries: definition.queries?.(openedDatabase().bind(call)) ?? {},
          caller,
          now,
          version,
          get signal() {
            return call.signal;
          },
        };
        return await definition.operation(message, tools);
      } catch (thrown) {
        throw asRefusal(thrown);
      }
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

/** RFC 6750, section 2.1. */
function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization.length < 8 || authorization.slice(0, 7).toLowerCase() !== 'bearer ')
    throw refuse('UNAUTHENTICATED');
  return authorization.slice(7);
}

/** A field that could not be read is not blamed a second time for being empty. */
function withChecks(read: readonly Violation[], checked: readonly Violation[]): readonly Violation[] {
  if (read.length === 0) return checked;
  const seen = new Set(read.map((violation) => violation.path.join('/')));
  return [...read, ...checked.filter((violation) => !seen.has(violation.path.join('/')))];
}

/** Milliseconds of the monotonic clock. */
export const clock = (): number => performance.now();
