import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, startTicks } from '../../scripts/stack/proc.ts';
import { Remedy } from '../../scripts/tools/install.ts';
import { readJson, stateFolder } from './state.ts';

/** A process of the cluster that goes on when the command that started it has ended. */
export interface Daemon {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Files that it reads at its start, path → content; they are written before it. */
  readonly files?: Readonly<Record<string, string>>;
  /** Asked until it says true; an error counts as false. */
  readonly ready: () => Promise<boolean>;
  readonly readyWithinMs: number;
}

interface DaemonRecord {
  pid?: number;
  startTicks?: string;
  /** Of command and files: where it differs, the process is an older version's. */
  version?: string;
}

/** In the environment of every process that we start, and so of what those start: what a crash left unrecorded is known by it. */
const mark = 'RECORD_PLATFORM_CLUSTER';

export const logPath = (name: string): string => join(stateFolder(), 'log', `${name}.log`);
const recordPath = (name: string): string => join(stateFolder(), 'run', `${name}.json`);
const record = (name: string): DaemonRecord => readJson(recordPath(name)) as DaemonRecord;

/** The pid of a part that runs, known by pid and start time. */
export function runningPid(name: string): number | undefined {
  const { pid, startTicks: ticks } = record(name);
  return pid !== undefined && ticks !== undefined && startTicks(pid) === ticks && isRunning(pid) ? pid : undefined;
}

/** @throws Remedy where the local cluster isn't up */
export function assertUp(): void {
  if (runningPid('kube-apiserver') === undefined) throw new Remedy('The local cluster does not run.\nBring it up: npm run cluster -- up');
}

/** Whether the part runs, and as this version of the project starts it. */
export const isCurrent = (daemon: Daemon): boolean =>
  runningPid(daemon.name) !== undefined && record(daemon.name).version === version(daemon);

/**
 * Makes sure that a part runs and is ready. One that runs from another version is replaced.
 * @returns whether it had to be started
 * @throws Remedy with the end of its log, when it ends or isn't ready in time
 */
export async function ensureDaemon(daemon: Daemon): Promise<boolean> {
  const { name, command } = daemon;
  if (isCurrent(daemon)) {
    await waitUntilReady(daemon, undefined);
    return false;
  }
  await stopDaemon(name);
  // A start that died between the process and its record.
  await end(markedProcesses().filter((pid) => programOf(pid) === basename(command[0] ?? '')));
  for (const [path, content] of Object.entries(daemon.files ?? {})) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: 0o600 });
  }
  mkdirSync(join(stateFolder(), 'run'), { recursive: true });
  const log = openLog(name);
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: '/',
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root', [mark]: stateFolder() },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  if (child.pid !== undefined) {
    const content: DaemonRecord = { pid: child.pid, startTicks: startTicks(child.pid) ?? '', version: version(daemon) };
    writeFileSync(recordPath(name), JSON.stringify(content));
  }
  child.unref();
  await waitUntilReady(daemon, child);
  return true;
}

async function waitUntilReady({ name, ready, readyWithinMs }: Daemon, child: ChildProcess | undefined): Promise<void> {
  const deadline = performance.now() + readyWithinMs;
  let how: string | undefined;
  child?.once('error', (error) => {
    how = error.message;
  });
  child?.once('exit', (code, signal) => {
    how = signal ?? `exit ${code}`;
  });
  for (;;) {
    const isReady = await ready().catch(() => false);
    // Also when something else answers in its place.
    if (how !== undefined) throw new Remedy(`${name} did not start (${how}). ${logEnd(name)}`);
    if (isReady) return;
    if (performance.now() > deadline) throw new Remedy(`${name} was not ready within ${readyWithinMs / 1000} s. ${logEnd(name)}`);
    await sleep(100);
  }
}

/** Asks a part to end, and makes it end after 10 s. */
export async function stopDaemon(name: string): Promise<void> {
  const pid = runningPid(name);
  if (pid !== undefined) await end([pid]);
  rmSync(recordPath(name), { force: true });
}

/** Ends processes: SIGTERM, after 10 s SIGKILL. */
export async function end(pids: readonly number[]): Promise<void> {
  const known = pids.map((pid) => ({ pid, ticks: startTicks(pid) }));
  const left = () => known.filter(({ pid, ticks }) => startTicks(pid) === ticks && isRunning(pid));
  for (const { pid } of left()) kill(pid, 'SIGTERM');
  for (let waited = 0; left().length > 0; waited += 50) {
    if (waited === 10_000) for (const { pid } of left()) kill(pid, 'SIGKILL');
    if (waited > 20_000) return;
    await sleep(50);
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** The pids of every process that the cluster's parts started, themselves included; containers' own processes are not. */
export function markedProcesses(): number[] {
  return allMarked()
    .filter(({ folder }) => folder === stateFolder())
    .map(({ pid }) => pid);
}

/** The state folder of a cluster that was started with another RECORD_PLATFORM_STATE and runs on this machine. */
export const otherCluster = (): string | undefined =>
  allMarked().find(({ pid, folder }) => folder !== stateFolder() && programOf(pid) === 'containerd')?.folder;

const allMarked = (): { pid: number; folder: string }[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const entry = readOrEmpty(`/proc/${pid}/environ`)
        .split('\0')
        .find((each) => each.startsWith(`${mark}=`));
      return entry === undefined ? [] : [{ pid: Number(pid), folder: entry.slice(mark.length + 1) }];
    });

/** The name of a process' program: "containerd" and not "containerd-shim-runc-v2". */
export const programOf = (pid: number): string => basename(readOrEmpty(`/proc/${pid}/cmdline`).split('\0')[0] ?? '');

const version = ({ command, files = {} }: Daemon): string =>
  createHash('sha256')
    .update(JSON.stringify([command, files]))
    .digest('hex')
    .slice(0, 16);

/** Appends, so that a restart keeps what the dead process said last; beyond 20 MB the old log moves aside. */
function openLog(name: string): number {
  const path = logPath(name);
  mkdirSync(join(stateFolder(), 'log'), { recursive: true });
  if (existsSync(path) && statSync(path).size > 20_000_000) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

const logEnd = (name: string): string =>
  `The end of ${logPath(name)}:\n${readOrEmpty(logPath(name)).trimEnd().split('\n').slice(-8).join('\n')}`;

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
