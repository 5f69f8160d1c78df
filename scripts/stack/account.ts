import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Remedy } from '../tools/install.ts';

/** A user of this machine, by numbers. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/**
 * Whom PostgreSQL and PgBouncer run as. Both refuse to run as root, so root runs them as "postgres" where that user exists,
 * and else makes a system user "record-platform" for them.
 * @returns undefined when this process is not root's: then they run as the same user
 * @throws Remedy where the user can't be made
 */
export function databaseAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const found = accountNamed('postgres') ?? accountNamed('record-platform');
  if (found) return found;
  try {
    process.stderr.write('making the system user record-platform: PostgreSQL and PgBouncer do not run as root\n');
    execFileSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', 'record-platform'], { stdio: 'pipe' });
  } catch (error) {
    throw new Remedy(`${(error as Error).message}\nRun this as an ordinary user, or make the user: useradd --system record-platform`);
  }
  return accountNamed('record-platform');
}

function accountNamed(name: string): Account | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  if (line === undefined) return undefined;
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid), name };
}

/** Makes a folder (and its parents) that the account owns and, where `open` isn't set, it alone can read. */
export function ownedFolder(path: string, account: Account | undefined, open = false): string {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  if (account) chownSync(path, account.uid, account.gid);
  chmodSync(path, open ? 0o755 : 0o700);
  return path;
}

/** Writes a file that the account alone can read. */
export function ownedFile(path: string, content: string, account: Account | undefined): void {
  const part = `${path}.part`;
  writeFileSync(part, content, { mode: 0o600 });
  if (account) chownSync(part, account.uid, account.gid);
  renameSync(part, path);
}

/** Whether everybody may enter every folder on the way to a path. */
export function isOpenToAll(path: string): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * Programs where the account can run them: the folder itself, or a copy below `copies` when some folder above it is closed
 * (a checkout in /root, say).
 * @param version of the programs, so that another one is another copy
 */
export function reachable(folder: string, account: Account | undefined, copies: string, version: string): string {
  if (account === undefined || isOpenToAll(folder)) return folder;
  const copy = join(copies, version);
  if (existsSync(copy)) return copy;
  const part = `${copy}.${process.pid}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(copies, { recursive: true, mode: 0o755 });
  cpSync(folder, part, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  chmodSync(part, 0o755);
  renameSync(part, copy);
  return copy;
}
