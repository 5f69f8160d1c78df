import { connect as connectSocket, type Socket } from 'node:net';
import { databaseTypes } from './database-types.ts';
import { Json, type SqlValue } from './sql.ts';

export interface ConnectionOptions {
  /** postgres://role:password@host:port/database */
  readonly url: string;
  /** False for a PgBouncer that keeps no prepared statements (below 1.21, or max_prepared_statements = 0). */
  readonly prepare: boolean;
  readonly applicationName: string;
  /** From the first packet until statements can be sent. */
  readonly connectTimeoutMs: number;
  /** Told once, when the connection is gone for whatever reason. */
  readonly onClose: () => void;
}

/** A statement under way. */
export interface Execution<Row> {
  readonly rows: Promise<Row[]>;
  /** Whether the server is at it: those sent before it are answered. */
  isActive(): boolean;
  /** Asks the server to stop it; only for the one that is active. Resolves when the request has been delivered, and with it can hit no later statement; never rejects. */
  cancel(): Promise<void>;
}

/** One session of PostgreSQL. Statements run in the order in which they were given. */
export interface Connection {
  readonly openedAt: number;
  /** What `work` gives to the driver leaves in one packet; by itself it sends a packet for each kilobyte. */
  gather(work: () => void): void;
  /** `values` is used up: what it holds is turned into what the driver takes. */
  execute<Row>(text: string, values: SqlValue[], prepare: boolean): Execution<Row>;
  /** Says goodbye. */
  end(): void;
  /** Ends it without waiting for anybody. */
  destroy(): void;
}

/**
 * Opens one connection, loading the driver (postgres.js) at the first time.
 *
 * The driver is used for its protocol only, one client for one session. Its own pool is not: there a statement that is cancelled before
 * the one in front of it is answered gives its answer to the next one, one cancelled while connecting takes the connection with it, and
 * tries to connect go on behind the caller's back.
 * @throws whatever kept it from connecting, within connectTimeoutMs
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { default: postgres } = await import('postgres');
  const { hostname, port } = new URL(options.url);
  let session: Socket | undefined;
  let closed = false;

  const openSocket = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 5432) };
      const socket = connectSocket({ ...address, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
      const timer = setTimeout(() => socket.destroy(timedOut()), options.connectTimeoutMs);
      // Stays: the driver listens only from the moment it has the socket.
      socket.on('error', reject);
      socket.once('close', () => {
        clearTimeout(timer);
        reject(new Error('The connection was closed before it was open.'));
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });

  const client = postgres(options.url, {
    max: 1,
    prepare: options.prepare,
    fetch_types: false,
    // The pool ends connections that are idle or old.
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: options.connectTimeoutMs / 1000,
    backoff: () => 0,
    types: databaseTypes,
    connection: { application_name: options.applicationName },
    onnotice: () => {},
    onclose: () => {
      if (closed) return;
      closed = true;
      options.onClose();
    },
    // The first socket is the session; later ones carry cancel requests. The driver's own second try at a session is refused.
    socket: async () => {
      if (closed || session?.destroyed) throw new Error('The connection was closed while it was being opened.');
      const socket = await openSocket();
      session ??= socket;
      return socket;
    },
  } as Parameters<typeof postgres>[1]);

  const destroy = (): void => {
    session?.destroy();
    // Takes the driver's timers along; what it still holds is rejected.
    client.end({ timeout: 0 }).catch(() => {});
  };

  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timedOut()), options.connectTimeoutMs);
    });
    // An empty statement: the cheapest that needs the whole way, PgBouncer's own connection included.
    await Promise.race([client.unsafe(''), late]);
  } catch (error) {
    destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }

  return {
    openedAt: performance.now(),
    gather(work) {
      session?.cork();
      work();
      // The driver writes what is left of a batch in its own setImmediate, which was asked for before this one.
      setImmediate(() => session?.uncork());
    },
    execute<Row>(text: string, values: SqlValue[], prepare: boolean): Execution<Row> {
      for (let index = 0; index < values.length; index++) {
        const value = values[index];
        if (value instanceof Json) values[index] = client.json(value.value as never) as unknown as SqlValue;
      }
      const query = client.unsafe(text, values as never[], { prepare, simple: false } as { prepare: boolean });
      const rows = query as unknown as CancellableQuery<Row>;
      return { rows, isActive: () => rows.active === true, cancel: async () => rows.canceller?.(rows).catch(() => {}) };
    },
    end() {
      client.end({ timeout: 1 }).then(destroy, destroy);
    },
    destroy,
  };
}

interface CancellableQuery<Row> extends Promise<Row[]> {
  /** The next answer is its own. */
  readonly active?: boolean;
  /** postgres.js 3.4.9: what its cancel() calls. Unlike that, it tells when the request has been delivered, and its failure can be caught. */
  readonly canceller?: ((query: unknown) => Promise<void>) | null;
}

const timedOut = (): Error => Object.assign(new Error('The database did not answer in time.'), { code: 'CONNECT_TIMEOUT' });
