import { performance } from 'node:perf_hooks';
import { type Connection, openConnection } from './database-connection.ts';
import { isConnectionFault, isStalePlan } from './database-errors.ts';
import { refuse } from './refusal.ts';
import type { SqlValue } from './sql.ts';

export interface PoolOptions {
  readonly url: string;
  readonly prepare: boolean;
  readonly poolMax: number;
  readonly applicationName: string;
  readonly waitingMax: number;
  readonly onChange?: (reachable: boolean, cause: unknown) => void;
}

/** Connections to one database, each with one statement at a time. */
export interface DatabasePool {
  /**
   * Runs a statement when a connection is free, the longest waiting first.
   * @throws Refusal TOO_BUSY where too many wait, UPSTREAM_UNAVAILABLE at once while the database is known to be out of reach;
   * the signal's reason; else what the database or the driver said.
   */
  run<Row>(text: string, values: SqlValue[], signal: AbortSignal): Promise<Row[]>;
  warm(): void;
  usage(): { used: number; idle: number; waiting: number; max: number };
  close(): Promise<void>;
}

/** A connection that isn't made by then won't be: the caller gets a clear answer instead. */
const connectTimeoutMs = 2_000;
/** While the database is out of reach, calls wait no longer than that for the one connection that tries again. */
const patienceMs = 250;
/** After a failed try nobody tries for that long, doubled up to the longest: a dead server isn't asked by every call. */
const retryFirstMs = 50;
const retryLongestMs = 1_000;
/** A statement that a cancel request doesn't end is cut off with its connection. */
const cancelGraceMs = 2_000;
/** Below PgBouncer's client_idle_timeout. */
const idleMs = 5 * 60_000;
/** So that instances spread again over several PgBouncers after one was replaced. */
const lifetimeMs = 30 * 60_000;

interface Statement {
  readonly text: string;
  readonly values: SqlValue[];
  readonly resolve: (rows: never[]) => void;
  readonly reject: (error: unknown) => void;
  /** Answered already, by its signal. */
  abandoned: boolean;
  /** Ends the statement where it is: waiting or running. */
  stop: () => void;
}

/** Opens nothing yet. */
export function openPool(options: PoolOptions): DatabasePool {
  const { poolMax, waitingMax } = options;
  const waiting: Statement[] = [];
  const idle: Connection[] = [];
  /** All that are open, and what each runs. */
  const open = new Map<Connection, Statement | undefined>();
  const ages = new WeakMap<Connection, number>();
  /** Statements whose prepared form is of before a migration. */
  const stale = new Set<string>();
  let connecting = 0;
  /** Faults of connections since the last success. While there are any, one connection at a time tries for all. */
  let faults = 0;
  let retryAt = 0;
  let triedAt = 0;
  let lastCause: unknown;
  let reachable = true;
  let closed = false;
  let idleTimer: NodeJS.Timeout | undefined;

  /** Nobody should wait: it is too early to try again, or who tries has no answer yet. */
  const isDown = (): boolean => {
    if (faults === 0 || idle.length > 0) return false;
    const now = performance.now();
    return connecting > 0 ? now > triedAt + patienceMs : now < retryAt;
  };

  const refuseWaiting = (): void => {
    for (const statement of waiting.splice(0)) statement.reject(refuse('UPSTREAM_UNAVAILABLE', { cause: lastCause }));
  };

  /** As many connections as there are statements that wait, up to poolMax. */
  const grow = (): void => {
    while (!closed && connecting < waiting.length && open.size + connecting < poolMax) {
      if (faults > 0 && (connecting > 0 || performance.now() < retryAt)) return;
      void openOne();
    }
  };

  const openOne = async (): Promise<void> => {
    connecting++;
    triedAt = performance.now();
    const impatient = faults === 0 ? undefined : setTimeout(refuseWaiting, patienceMs);
    let connection: Connection | undefined;
    try {
      connection = await openConnection({
        url: options.url,
        prepare: options.prepare,
        applicationName: options.applicationName,
        connectTimeoutMs,
        onClose: () => connection && forget(connection),
      });
    } catch (error) {
      connecting--;
      failed(error);
      return;
    } finally {
      clearTimeout(impatient);
    }
    connecting--;
    if (closed) {
      connection.end();
      return;
    }
    succeeded();
    open.set(connection, undefined);
    ages.set(connection, lifetimeMs * (0.8 + 0.4 * Math.random()));
    release(connection);
    grow();
  };

  const succeeded = (): void => {
    if (faults === 0) return;
    faults = 0;
    if (!reachable) options.onChange?.(true, undefined);
    reachable = true;
  };

  /** A connection could not be made. */
  const failed = (cause: unknown): void => {
    lastCause = cause;
    retryAt = performance.now() + Math.min(retryFirstMs * 2 ** faults, retryLongestMs);
    faults++;
    if (reachable) options.onChange?.(false, cause);
    reachable = false;
    if (connecting === 0) refuseWaiting();
  };

  /** A connection was lost under a statement: either it alone, or all; a new one will tell. */
  const lost = (connection: Connection, cause: unknown): void => {
    lastCause = cause;
    faults = Math.max(faults, 1);
    discard(connection);
  };

  const forget = (connection: Connection): void => {
    if (!open.delete(connection)) return;
    const index = idle.indexOf(connection);
    if (index >= 0) idle.splice(index, 1);
    grow();
  };

  const discard = (connection: Connection): void => {
    forget(connection);
    connection.destroy();
  };

  /** The connection is free: it takes the next statement, or rests. */
  const release = (connection: Connection): void => {
    if (!open.has(connection)) return;
    open.set(connection, undefined);
    const next = waiting.shift();
    if (next !== undefined) {
      start(connection, next);
      return;
    }
    if (performance.now() - connection.openedAt > (ages.get(connection) as number)) {
      open.delete(connection);
      connection.end();
      return;
    }
    idle.push(connection);
    restTimer();
  };

  /** Ends resting connections when nothing has run for a while. */
  const restTimer = (): void => {
    if (idleTimer !== undefined) {
      idleTimer.refresh();
      return;
    }
    idleTimer = setTimeout(() => {
      for (const connection of idle.splice(0)) {
        open.delete(connection);
        connection.end();
      }
    }, idleMs).unref();
  };

  const start = (connection: Connection, statement: Statement): void => {
    open.set(connection, statement);
    const { text, values } = statement;
    const execution = connection.execute<never>(text, values, options.prepare && !stale.has(text));
    let cancelled: Promise<void> | undefined;
    statement.stop = () => {
      cancelled = execution.cancel();
      const timer = setTimeout(() => discard(connection), cancelGraceMs);
      execution.rows.then(
        () => clearTimeout(timer),
        () => clearTimeout(timer),
      );
    };
    execution.rows.then(
      (rows) => {
        succeeded();
        if (cancelled === undefined) release(connection);
        else void cancelled.then(() => release(connection));
        statement.resolve(rows);
      },
      (error) => {
        if (isConnectionFault(error)) {
          lost(connection, error);
        } else if (isStalePlan(error) && !statement.abandoned && !stale.has(text)) {
          // It failed before it ran. Unprepared it gets a plan of today.
          stale.add(text);
          start(connection, statement);
          return;
        } else if (cancelled === undefined) release(connection);
        else void cancelled.then(() => release(connection));
        statement.reject(error);
      },
    );
  };

  return {
    run<Row>(text: string, values: SqlValue[], signal: AbortSignal): Promise<Row[]> {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (closed || isDown()) return Promise.reject(refuse('UPSTREAM_UNAVAILABLE', { cause: lastCause }));
      if (waiting.length >= waitingMax) return Promise.reject(refuse('TOO_BUSY'));
      return new Promise<Row[]>((resolve, reject) => {
        const onAbort = (): void => {
          statement.abandoned = true;
          reject(signal.reason);
          statement.stop();
        };
        const statement: Statement = {
          text,
          values,
          abandoned: false,
          resolve: (rows) => {
            signal.removeEventListener('abort', onAbort);
            resolve(rows);
          },
          reject: (error) => {
            signal.removeEventListener('abort', onAbort);
            reject(error);
          },
          stop: () => {
            const index = waiting.indexOf(statement);
            if (index >= 0) waiting.splice(index, 1);
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        const connection = idle.pop();
        if (connection !== undefined) {
          start(connection, statement);
        } else {
          waiting.push(statement);
          grow();
        }
      });
    },
    warm() {
      if (open.size + connecting === 0 && !closed && !isDown()) void openOne();
    },
    usage: () => ({ used: open.size - idle.length, idle: idle.length, waiting: waiting.length, max: poolMax }),
    async close() {
      closed = true;
      clearTimeout(idleTimer);
      for (const statement of waiting.splice(0)) statement.reject(refuse('UPSTREAM_UNAVAILABLE'));
      for (const [connection, statement] of open) statement === undefined ? connection.end() : connection.destroy();
      open.clear();
      idle.length = 0;
    },
  };
}
