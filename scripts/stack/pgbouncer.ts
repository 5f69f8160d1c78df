import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { poolSize } from '../../db/pgbouncer/size.ts';
import { debianRoot, pgbouncer, rootName } from '../tools/debian.ts';
import { databaseAccount, ownedFile, ownedFolder, reachable } from './account.ts';
import { accepts, freePort, type Part, startPart } from './part.ts';

export interface PgBouncerOptions {
  /** Where its configuration, log and pid live: <folder>/pgbouncer, <folder>/log, <folder>/run. */
  readonly folder: string;
  /** 0 or none: any free one. */
  readonly port?: number;
  /** PostgreSQL's port on 127.0.0.1. */
  readonly postgresPort: number;
  /**
   * Who may log in: role → its SCRAM verifier exactly as pg_authid holds it (`bootstrap()` returns them), which lets
   * PgBouncer log in to the server with what it learns from the client: it never holds a password.
   */
  readonly users: Readonly<Record<string, string>>;
  /** What differs from db/pgbouncer/pgbouncer.ini: { default_pool_size: '5' }. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PgBouncer extends Part {
  readonly host: '127.0.0.1';
  /** Replaces the users and makes PgBouncer read them (SIGHUP); open connections go on. */
  setUsers(users: Readonly<Record<string, string>>): void;
}

const configuration = fileURLToPath(new URL('../../db/pgbouncer/pgbouncer.ini', import.meta.url));

/**
 * Starts PgBouncer 1.24 (Debian 13's) on 127.0.0.1 in front of PostgreSQL: transaction pooling, SCRAM, every database name
 * goes to the database of that name. Ready in about 50 ms. As root it runs as another user (see databaseAccount).
 * @throws Remedy
 */
export async function startPgBouncer({ folder, port, postgresPort, users, settings = {} }: PgBouncerOptions): Promise<PgBouncer> {
  const account = databaseAccount();
  const own = ownedFolder(join(folder, 'pgbouncer'), account);
  const chosen = port || (await freePort());
  const userList = join(own, 'userlist.txt');
  const ini = join(own, 'pgbouncer.ini');
  const local = {
    listen_addr: '127.0.0.1',
    listen_port: String(chosen),
    auth_file: userList,
    // Clients are on this machine, and TCP on 127.0.0.1 is what the functions use everywhere.
    unix_socket_dir: '',
    default_pool_size: String(poolSize(availableParallelism())),
    ...settings,
  };
  // The committed file ends in its section [pgbouncer], which goes on here; a later line wins. (A section begun twice forgets the first.)
  const lines = Object.entries(local).map(([key, value]) => `${key} = ${value}`);
  const databases = `[databases]\n* = host=127.0.0.1 port=${postgresPort}\n`;
  ownedFile(ini, `${readFileSync(configuration, 'utf8')}${lines.join('\n')}\n\n${databases}`, account);
  ownedFile(userList, userLines(users), account);
  const part = await startPart({
    name: 'pgbouncer',
    command: [...(await program(folder)), ini],
    environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    account,
    folder,
    port: chosen,
    portSetting: 'RECORD_PLATFORM_PGBOUNCER_PORT',
    // Waits for running transactions, not for clients to leave (SIGTERM would).
    stopSignal: 'SIGINT',
    stopWithinMs: 3_000,
    ready: () => accepts(chosen),
    readyWithinMs: 10_000,
  });
  return {
    ...part,
    host: '127.0.0.1',
    setUsers: (next) => {
      ownedFile(userList, userLines(next), account);
      process.kill(part.pid, 'SIGHUP');
    },
  };
}

/** The Debian root is copied where the account can enter only if the cache is closed to it. */
async function program(folder: string): Promise<string[]> {
  const command = await pgbouncer();
  const root = await debianRoot();
  const open = reachable(root, databaseAccount(), join(folder, 'programs'), rootName);
  return command.map((word) => word.replaceAll(root, open));
}

const userLines = (users: Readonly<Record<string, string>>): string =>
  Object.entries(users)
    .map(([role, verifier]) => `"${role}" "${verifier}"\n`)
    .join('');
