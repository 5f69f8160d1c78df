import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Room } from '../../db/postgres/size.ts';
import { type PgBouncer, startPgBouncer } from '../stack/pgbouncer.ts';
import { type Postgres, startPostgres } from '../stack/postgres.ts';
import { isRunning } from '../stack/proc.ts';
import { bootstrap, type LoginRole } from './bootstrap.ts';
import { cloneTemplate, prepareTemplate } from './template.ts';

/** How a process finds the PostgreSQL and the PgBouncer that tests share. */
export interface TestServerAddresses {
  /** Of the superuser, straight to PostgreSQL, database "postgres". */
  readonly postgresUrl: string;
  readonly pgbouncerPort: number;
  readonly passwords: Readonly<Record<LoginRole, string>>;
}

/** Holds TestServerAddresses as JSON in the environment of test processes. */
export const TEST_SERVERS = 'RECORD_PLATFORM_TEST_SERVERS';

export interface TestServers extends TestServerAddresses {
  readonly postgres: Postgres;
  readonly pgbouncer: PgBouncer;
  /** For the processes that shall use them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Starts PgBouncer again on its port, after it was killed. */
  restartPgBouncer(): Promise<void>;
  /** Starts PostgreSQL again on its port with its data, after it was stopped or killed. */
  restartPostgres(): Promise<void>;
  /** Makes a migrated, empty database. @returns its name */
  freshDatabase(): Promise<string>;
  /** Ends both and removes their data. */
  stop(): Promise<void>;
}

export interface TestServerOptions {
  /** What differs from db/pgbouncer/pgbouncer.ini. */
  readonly pgbouncer?: Readonly<Record<string, string>>;
  readonly postgres?: Readonly<Record<string, string>>;
  /** What PostgreSQL is sized for, where the tests' small room won't do. */
  readonly room?: Room;
}

/** The data is thrown away, so nothing waits for the disk. Many databases at once have their own pools. */
const postgresForTests = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300', autovacuum: 'off' };
/** The same on every machine, and small: many may run at once. */
const roomForTests: Room = { memoryBytes: 2 ** 30, cores: 2 };
const pgbouncerForTests = { min_pool_size: '0', server_idle_timeout: '2', max_client_conn: '2000' };

/**
 * Starts a PostgreSQL and a PgBouncer of their own for tests, in a temporary folder, with the template database made.
 * About 2 s. They end with `stop()`, and with this process however it dies.
 */
export async function startTestServers(options: TestServerOptions = {}): Promise<TestServers> {
  removeLeftovers();
  const folder = join(tmpdir(), `record-platform-test-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(folder);
  chmodSync(folder, 0o755); // whatever the umask: the servers run as another user
  const secret = () => randomBytes(18).toString('base64url');
  const password = secret();
  const passwords = { record_migrator: secret(), auth_app: secret(), record_app: secret() };
  const postgresSettings = { ...postgresForTests, ...options.postgres };
  const { room = roomForTests } = options;
  let postgres = await startPostgres({ folder, password, settings: postgresSettings, room });
  let pgbouncer: PgBouncer | undefined;
  try {
    const users = await bootstrap({ url: postgres.url, passwords, connectionsMax: 250 });
    await prepareTemplate(postgres.url, passwords);
    const bouncer = { folder, users, settings: { ...pgbouncerForTests, ...options.pgbouncer } };
    pgbouncer = await startPgBouncer({ ...bouncer, postgresPort: postgres.port });
    const addresses: TestServerAddresses = { postgresUrl: postgres.url, pgbouncerPort: pgbouncer.port, passwords };
    return {
      ...addresses,
      get postgres() {
        return postgres;
      },
      get pgbouncer() {
        return pgbouncer as PgBouncer;
      },
      environment: { [TEST_SERVERS]: JSON.stringify(addresses) },
      async restartPgBouncer() {
        pgbouncer = await startPgBouncer({ ...bouncer, postgresPort: postgres.port, port: addresses.pgbouncerPort });
      },
      async restartPostgres() {
        postgres = await startPostgres({ folder, password, settings: postgresSettings, room, port: postgres.port });
      },
      freshDatabase: () => cloneTemplate(postgres.url, passwords),
      async stop() {
        await pgbouncer?.stop();
        await postgres.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await pgbouncer?.stop();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Folders of processes that were killed. Their servers died with them. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^record-platform-test-(\d+)-[0-9a-f]{8}$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
