import { performance } from 'node:perf_hooks';
import type { Cancellation } from './cancellation.ts';
import { type Connection, openConnection } from './database-connection.ts';
import { createLane, type Lane, type Statement } from './database-lane.ts';
import { refuse } from './refusal.ts';
import type { SqlValue } from './sql.ts';

export interface PoolOptions {
  readonly url: string;
  readonly prepare: boolean;
  readonly poolMax: number;
  readonly applicationName: string;
  readonly waitingMax: number;
  /** Makes a refusal of what the database or the driver said, where it is one. */
  readonly translate: (error: unknown) => unknown;
  readonly onChange?: (reachable: boolean, cause: unknown) => void;
}

/** Connections to one database, and the statements that wait for them. */
export interface DatabasePool {
  /**
   * Runs a statement when a connection is free, the longest waiting first.
   * @throws Refusal TOO_BUSY where too many wait, UPSTREAM_UNAVAILABLE at once while the database is known to be out of reach;
   * the cancellation's reason; else what `translate` makes of the fault.
   */
  run<Row>(text: string, values: SqlValue[], cancellation: Cancellation): Promise<Row[]>;
  warm(): void;
  usage(): { used: number; idle: number; waiting: number; max: number };
  close(): Promise<void>;
}

/** Statements that a free connection takes at once when more wait: one packet instead of many. Measured: half the CPU of one at a time. */
const batchMax = 16;
/** A connection that isn't made by then won't be: the caller gets a clear answer instead. */
const connectTimeoutMs = 2_000;
/** While the database is out of reach, calls wait no longer than that for the one connection that tries again. */
const patienceMs = 250;
/** After a failed try nobody tries for that long, doubled up to the longest: a dead server isn't asked by every call. */
const retryFirstMs = 50;
const retryLongestMs = 1_000;
const cancelGraceMs = 2_000;
/** Below PgBouncer's client_idle_timeout. */
const idleMs = 5 * 60_000;
/**
 * So that instances spread again over several PgBouncers, and leave one that is being replaced before it ends: it waits for its clients for
 * 3 minutes (knative/base/pgbouncer.yaml). A new connection costs some milliseconds.
 */
const lifetimeMs = 2 * 60_000;

/** Opens nothing yet. */
export function openPool(options: PoolOptions): DatabasePool {
  const { poolMax, waitingMax } = options;
  const batch = options.prepare ? batchMax : 1;
  const waiting: Statement[] = [];
  const idle: Lane[] = [];
  const open = new Set<Lane>();
  const stale = new Set<string>();
  let connecting = 0;
  /** Faults of connections since the last answer. While there are any, one connection at a time tries for all. */
  let faults = 0;
  let retryAt = 0;
  let triedAt = 0;
  let lastCause: unknown;
  let reachable = true;
  let closed = false;
  let idleTimer: NodeJS.Timeout | undefined;
  let starting = false;

  /** Nobody should wait: it is too early to try again, or who tries has no answer yet. */
  const isDown = (): boolean => {
    if (faults === 0 || idle.length > 0) return false;
    const now = performance.now();
    return connecting > 0 ? now > triedAt + patienceMs : now < retryAt;
  };

  const unavailable = (): Error => refuse('UPSTREAM_UNAVAILABLE', { cause: lastCause });

  const refuseWaiting = (): void => {
    for (const statement of waiting.splice(0)) statement.reject(unavailable());
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
    let connection: Connection;
    let lane: Lane | undefined;
    try {
      const { url, prepare, applicationName } = options;
      connection = await openConnection({ url, prepare, applicationName, connectTimeoutMs, onClose: () => lane && forget(lane) });
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
    answered();
    lane = createLane(connection, { prepare: options.prepare, cancelGraceMs, stale, onFree, onAnswer: answered, onFault });
    open.add(lane);
    onFree(lane);
    grow();
  };

  const answered = (): void => {
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
  const onFault = (lane: Lane, cause: unknown): void => {
    lastCause = cause;
    faults = Math.max(faults, 1);
    forget(lane);
  };

  const forget = (lane: Lane): void => {
    if (!open.delete(lane)) return;
    const index = idle.indexOf(lane);
    if (index >= 0) idle.splice(index, 1);
    lane.destroy(unavailable());
    grow();
  };

  /** A free connection takes its share of what waits, or rests. */
  const onFree = (lane: Lane): void => {
    if (!open.has(lane)) return;
    if (performance.now() - lane.openedAt > lifetimeMs) {
      open.delete(lane);
      lane.end();
      grow();
      return;
    }
    if (waiting.length === 0) {
      idle.push(lane);
      restTimer();
      return;
    }
    const share = Math.ceil(waiting.length / Math.max(1, Math.min(poolMax, open.size + connecting)));
    lane.run(waiting.splice(0, Math.min(batch, share)));
  };

  /** Resting connections take what has come in this turn of the event loop: together in one packet, where each alone would cost a system call. */
  const startIdle = (): void => {
    if (starting) return;
    starting = true;
    setImmediate(() => {
      starting = false;
      while (waiting.length > 0 && idle.length > 0) onFree(idle.pop() as Lane);
      if (waiting.length > 0) grow();
    });
  };

  /** Ends resting connections when nothing has run for a while. */
  const restTimer = (): void => {
    if (idleTimer !== undefined) {
      idleTimer.refresh();
      return;
    }
    idleTimer = setTimeout(() => {
      for (const lane of idle.splice(0)) {
        open.delete(lane);
        lane.end();
      }
    }, idleMs).unref();
  };

  return {
    run<Row>(text: string, values: SqlValue[], cancellation: Cancellation): Promise<Row[]> {
      if (cancellation.reason !== undefined) return Promise.reject(cancellation.reason);
      if (closed || isDown()) return Promise.reject(unavailable());
      if (waiting.length >= waitingMax) return Promise.reject(refuse('TOO_BUSY'));
      return new Promise<Row[]>((resolve, reject) => {
        const onAbort = (): void => {
          statement.abandoned = true;
          reject(cancellation.reason);
          statement.stop();
        };
        const statement: Statement = {
          text,
          values,
          abandoned: false,
          resolve: (rows) => {
            cancellation.offCancel(onAbort);
            resolve(rows);
          },
          reject: (error) => {
            cancellation.offCancel(onAbort);
            reject(options.translate(error));
          },
          stop: () => {
            const index = waiting.indexOf(statement);
            if (index >= 0) waiting.splice(index, 1);
          },
        };
        cancellation.onCancel(onAbort);
        waiting.push(statement);
        if (idle.length > 0) startIdle();
        else grow();
      });
    },
    warm() {
      if (open.size + connecting === 0 && !closed && !isDown()) void openOne();
    },
    usage: () => ({ used: open.size - idle.length, idle: idle.length, waiting: waiting.length, max: poolMax }),
    async close() {
      closed = true;
      clearTimeout(idleTimer);
      refuseWaiting();
      for (const lane of open) lane.running === 0 ? lane.end() : lane.destroy(unavailable());
      open.clear();
      idle.length = 0;
    },
  };
}
