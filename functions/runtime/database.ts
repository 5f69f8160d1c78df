import { performance } from 'node:perf_hooks';
import type { Call } from './call.ts';
import { type Cancellation, Canceller, cancellationOf } from './cancellation.ts';
import { translateError } from './database-errors.ts';
import { type DatabasePool, openPool } from './database-pool.ts';
import { type SpanDatabase, type Summary, statementSpan, summarize } from './database-span.ts';
import { commonRefusals, type RefusalTable, refuse } from './refusal.ts';
import type { Sql, SqlValue } from './sql.ts';

export interface DatabaseOptions {
  /** postgres://role:password@host:port/database, of PgBouncer. */
  readonly url: string;
  /** False for a PgBouncer that keeps no prepared statements. */
  readonly prepare: boolean;
  /** Connections at most. */
  readonly poolMax: number;
  /** How the connections are called in pg_stat_activity. */
  readonly applicationName: string;
  /** The reasons that database functions may refuse with, besides the common ones. */
  readonly refusals?: RefusalTable;
  /** Statements that may wait for a connection; one more is refused as TOO_BUSY. */
  readonly waitingMax?: number;
  /** Told when the database gets out of reach and when it is back. */
  readonly onChange?: (reachable: boolean, cause: unknown) => void;
}

export interface Database {
  /** The statements of one call: they end with it, and their spans are its children. */
  bind(call: Call): Sql;
  /** Statements of the process itself, which belong to no call and may take 10 s. */
  readonly sql: Sql;
  /** Whether the database answers within a time. Never throws. */
  ping(timeoutMs: number): Promise<boolean>;
  /** Loads the driver and opens one connection, without waiting and without complaint: the first statement then finds it ready. */
  warm(): void;
  /** Of the pool, now. */
  usage(): { used: number; idle: number; waiting: number; max: number };
  /** Ends the connections. What still runs is cut off, so drain first. */
  close(): Promise<void>;
}

/** As many as one connection may have streams (port.ts): a burst waits for a moment, and its deadlines bound the moment. */
const defaultWaitingMax = 2_000;
const processStatementMs = 10_000;
/** Of one call: a stream may have thousands of statements, all alike. */
const spansMax = 256;

/** What is known of a statement's template, found once. */
interface Prepared {
  readonly text: string;
  readonly summary: Summary;
}
const statements = new WeakMap<TemplateStringsArray, Prepared>();

function statementOf(strings: TemplateStringsArray): Prepared {
  let statement = statements.get(strings);
  if (statement === undefined) {
    let text = strings[0] as string;
    for (let index = 1; index < strings.length; index++) text += `$${index}${strings[index]}`;
    statement = { text, summary: summarize(text) };
    statements.set(strings, statement);
  }
  return statement;
}

/** Opens nothing yet: the driver is loaded and a connection made by `warm()` or by the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const refusals: RefusalTable = { ...commonRefusals, ...options.refusals };
  const pool: DatabasePool = openPool({
    ...options,
    waitingMax: options.waitingMax ?? defaultWaitingMax,
    translate: (error) => translateError(error, refusals),
  });
  const address = addressOf(options.url);

  const run = <Row extends object>(
    strings: TemplateStringsArray,
    values: SqlValue[],
    cancellation: Cancellation,
    call?: Call,
  ): Promise<Row[]> => {
    const { text, summary } = statementOf(strings);
    if (call?.spans === undefined || call.spans.length >= spansMax) return pool.run<Row>(text, values, cancellation);
    const { spans } = call;
    const startedAt = performance.now();
    return pool.run<Row>(text, values, cancellation).then(
      (rows) => {
        spans.push(statementSpan(call, address, summary, startedAt, undefined));
        return rows;
      },
      (error) => {
        spans.push(statementSpan(call, address, summary, startedAt, error));
        throw error;
      },
    );
  };

  const within =
    (timeoutMs: number): Sql =>
    async (strings, ...values) => {
      const canceller = new Canceller();
      const timer = setTimeout(() => canceller.cancel(refuse('DEADLINE_EXCEEDED')), timeoutMs);
      try {
        return await run(strings, values, canceller);
      } finally {
        clearTimeout(timer);
      }
    };

  return {
    bind:
      (call): Sql =>
      (strings, ...values) =>
        run(strings, values, call.cancellation ?? cancellationOf(call.signal), call),
    sql: within(processStatementMs),
    ping: (timeoutMs) =>
      within(timeoutMs)`select 1 as answer`.then(
        () => true,
        () => false,
      ),
    warm: () => pool.warm(),
    usage: () => pool.usage(),
    close: () => pool.close(),
  };
}

function addressOf(url: string): SpanDatabase {
  const { hostname, port, pathname } = new URL(url);
  return { namespace: decodeURIComponent(pathname.slice(1)), host: hostname, port: Number(port || 5432) };
}
