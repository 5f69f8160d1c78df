import type { Connection, Execution } from './database-connection.ts';
import { isCancelled, isConnectionFault, isStalePlan } from './database-errors.ts';
import type { SqlValue } from './sql.ts';

/** A statement that somebody waits for. */
export interface Statement {
  readonly text: string;
  readonly values: SqlValue[];
  readonly resolve: (rows: never[]) => void;
  readonly reject: (error: unknown) => void;
  /** Whoever asked has been answered by the call's end. */
  abandoned: boolean;
  /** Where it stands now: removes it from the queue, or stops it in the server. */
  stop: () => void;
}

export interface LaneOptions {
  readonly prepare: boolean;
  /** A statement that a cancel request doesn't end is cut off with its connection after that. */
  readonly cancelGraceMs: number;
  /** Statements whose prepared form is of before a migration; shared by all lanes. */
  readonly stale: Set<string>;
  /** All statements are answered: more may come. */
  readonly onFree: (lane: Lane) => void;
  /** The server answered a statement. */
  readonly onAnswer: () => void;
  /** The connection failed under a statement, and must not be used again. */
  readonly onFault: (lane: Lane, error: unknown) => void;
}

/** One connection with the statements on it. */
export interface Lane {
  readonly openedAt: number;
  /** Statements that are not answered. */
  readonly running: number;
  /**
   * Sends statements in one go; each is a transaction of its own. Only for a lane that is free: between two batches PgBouncer can give
   * the server connection to somebody else, and a slow statement holds up no more than the rest of its batch.
   */
  run(batch: readonly Statement[]): void;
  /** Says goodbye. */
  end(): void;
  /** Cuts it off; whoever waits for a statement on it gets the cause. */
  destroy(cause: unknown): void;
}

/** Makes a lane of an open connection. */
export function createLane(connection: Connection, options: LaneOptions): Lane {
  const { prepare, cancelGraceMs, stale, onFree, onAnswer, onFault } = options;
  const running = new Map<Statement, Execution<never>>();
  /** Cancel requests on their way: until they are delivered, they might hit a later statement. */
  let cancelling = 0;
  const cancelled = new Set<Statement>();

  const freed = (): void => {
    if (running.size > 0 || cancelling > 0) return;
    cancelled.clear();
    onFree(lane);
  };

  const cancel = (statement: Statement, execution: Execution<never>): void => {
    if (cancelled.has(statement)) return;
    cancelled.add(statement);
    cancelling++;
    const timer = setTimeout(() => running.has(statement) && onFault(lane, new Error('A statement did not stop.')), cancelGraceMs);
    void execution.cancel().then(() => {
      cancelling--;
      freed();
    });
    execution.rows.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
  };

  /** An abandoned statement can be cancelled when those before it are answered: no earlier, or the cancel would hit one of them. */
  const cancelAbandoned = (): void => {
    for (const [statement, execution] of running) if (statement.abandoned && execution.isActive()) cancel(statement, execution);
  };

  const answered = (statement: Statement): void => {
    running.delete(statement);
    if (running.size > 0) cancelAbandoned();
    else freed();
  };

  const start = (statement: Statement): void => {
    const { text, values } = statement;
    const execution = connection.execute<never>(text, values, prepare && !stale.has(text));
    running.set(statement, execution);
    statement.stop = () => {
      cancelAbandoned();
      // The driver sends a statement a moment after it was given.
      setImmediate(cancelAbandoned);
    };
    execution.rows.then(
      (rows) => {
        onAnswer();
        statement.resolve(rows);
        answered(statement);
      },
      (error) => {
        if (isConnectionFault(error)) {
          running.delete(statement);
          statement.reject(error);
          onFault(lane, error);
          return;
        }
        onAnswer();
        if (!statement.abandoned && isStalePlan(error) && !stale.has(text)) {
          // It failed before it ran. Unprepared it gets a plan of today.
          stale.add(text);
          start(statement);
        } else if (!statement.abandoned && cancelled.size > 0 && isCancelled(error)) {
          // A cancel request for the statement before it came late. What it did was rolled back.
          start(statement);
        } else {
          statement.reject(error);
          answered(statement);
        }
      },
    );
  };

  const lane: Lane = {
    openedAt: connection.openedAt,
    get running() {
      return running.size;
    },
    run(batch) {
      connection.gather(() => {
        for (const statement of batch) start(statement);
      });
    },
    end: () => connection.end(),
    destroy(cause) {
      for (const statement of running.keys()) statement.reject(cause);
      running.clear();
      connection.destroy();
    },
  };
  return lane;
}
