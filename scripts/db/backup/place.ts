import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Account, databaseAccount, ownedFile, ownedFolder, reachable } from '../../stack/account.ts';
import { debianRoot, pgbackrest, rootName } from '../../tools/debian.ts';
import { Remedy } from '../../tools/install.ts';

/** pgBackRest's name for this database. */
export const stanza = 'record-platform';

/** A place that isn't the disk of the data survives that disk: RECORD_PLATFORM_BACKUP. */
export interface BackupOptions {
  /** The state folder. */
  readonly folder: string;
  /** Where backups and the archive are kept; '' for <folder>/backup/repository. */
  readonly repository?: string;
}

export interface Place {
  readonly folder: string;
  readonly repository: string;
  readonly account: Account | undefined;
  /** A script that runs pgBackRest, which calls itself by it. */
  readonly program: string;
  readonly config: string;
  /** The folder of PostgreSQL's socket: pgBackRest reaches the server by it alone. */
  readonly socket: string;
}

const template = fileURLToPath(new URL('../../../db/backup/pgbackrest.conf', import.meta.url));
/** A socket's path has at most 107 bytes. */
const socketName = '/.s.PGSQL.65535';

/** @throws Remedy where the state folder's name is too long for a socket in it */
export function placeOf({ folder, repository = '' }: BackupOptions): Place {
  const own = join(folder, 'backup');
  const socket = join(folder, 'socket');
  if (Buffer.byteLength(socket + socketName) > 107)
    throw new Remedy(`Backups need a socket below ${folder}, whose name is too long for one: choose a shorter RECORD_PLATFORM_STATE.`);
  return {
    folder,
    repository: repository || join(own, 'repository'),
    account: databaseAccount(),
    program: join(own, 'pgbackrest'),
    config: join(own, 'pgbackrest.conf'),
    socket,
  };
}

/**
 * PostgreSQL's settings for an archive. Nothing is archived until the first backup: without one the log by itself is of no use, and it
 * would grow for ever. The mark lies beside the data and not in the repository: a repository that isn't there is a fault and no silence.
 */
export function archiveSettings(place: Place): Record<string, string> {
  ownedFolder(place.socket, place.account);
  const push = `${quoted(place.program)} --config=${quoted(place.config)} --stanza=${stanza} archive-push "%p"`;
  return {
    archive_mode: 'on',
    archive_command: `test ! -e ${quoted(mark(place))} || ${push}`,
    // What is lost with the disk at most: what was written within that time.
    archive_timeout: '60s',
    unix_socket_directories: place.socket,
  };
}

const quoted = (path: string): string => `'${path.replaceAll("'", "'\\''")}'`;
const mark = ({ folder }: Place): string => join(folder, 'backup/on');

export const isOn = (place: Place): boolean => existsSync(mark(place));
export const turnOn = (place: Place): void => ownedFile(mark(place), '', place.account);
/** For data that was made anew: it isn't the database that the repository knows. */
export const turnOff = (place: Place): void => rmSync(mark(place), { force: true });

/** Writes pgBackRest's configuration and its script. @param key seals the repository */
export async function prepare(place: Place, port: number, key: string): Promise<void> {
  const { folder, repository, account, program, config, socket } = place;
  ownedFolder(join(folder, 'backup'), account, true);
  ownedFolder(repository, account);
  for (const name of ['lock', 'spool']) ownedFolder(join(folder, 'backup', name), account);
  const local = {
    'repo1-path': repository,
    'repo1-cipher-pass': key,
    'lock-path': join(folder, 'backup/lock'),
    'spool-path': join(folder, 'backup/spool'),
    // It starts further processes of itself by this.
    cmd: program,
  };
  const lines = Object.entries(local).map(([name, value]) => `${name}=${value}\n`);
  const database = `\n[${stanza}]\npg1-path=${join(folder, 'postgres')}\npg1-port=${port}\npg1-socket-path=${socket}\npg1-user=postgres\n`;
  ownedFile(config, `${readFileSync(template, 'utf8')}\n${lines.join('')}${database}`, account);
  const root = await debianRoot();
  const open = reachable(root, account, join(folder, 'programs'), rootName);
  const words = (await pgbackrest()).map((word) => quoted(word.replaceAll(root, open)));
  writeFileSync(program, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
  chmodSync(program, 0o755);
}
