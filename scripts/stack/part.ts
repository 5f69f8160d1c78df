import { spawn } from 'node:child_process';
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
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Remedy } from '../tools/install.ts';
import type { Account } from './account.ts';
import { commandLine, isRunning, portOwner, startTicks } from './proc.ts';

/** One running process of the local stack. */
export interface Part {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** Asks it to end, then makes it end; resolves when it has. May be called twice. */
  stop(): Promise<void>;
  /** Resolves when the process has ended, with how: "exit 1", "SIGKILL". */
  readonly ended: Promise<string>;
}

export interface PartOptions {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** The whole environment of the process; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Whom it runs as; undefined for the same user. */
  readonly account?: Account | undefined;
  /** State folder: its log goes to log/NAME.log, its pid to run/NAME.json. */
  readonly folder: string;
  readonly port: number;
  /** The setting that chooses the port, for the message when it is taken. */
  readonly portSetting: string;
  /** How it is asked to end. */
  readonly stopSignal: NodeJS.Signals;
  /** It is killed when it has not ended by then. */
  readonly stopWithinMs: number;
  /** Asked every 20 ms or so until it says true; an error counts as false, a Remedy ends the waiting. */
  readonly ready: () => Promise<boolean>;
  readonly readyWithinMs: number;
}

/**
 * Starts a process and waits until it is ready. What an earlier run left under the same name is ended first. When this
 * process dies, even by SIGKILL, the kernel sends the part its stop signal.
 * @throws Remedy when the port is taken (naming the owner), or the process ends or is not ready in time (with the end of its log)
 */
export async function startPart(options: PartOptions): Promise<Part> {
  const { name, folder } = options;
  await endLeftover(folder, name);
  assertPortFree(options.port, options.portSetting);
  const log = openLog(folder, name);
  const [program = '', ...args] = withLifeline(options);
  const child = spawn(program, args, {
    cwd: options.cwd ?? '/',
    env: options.environment,
    stdio: ['ignore', log, log],
    // Its own process group: Ctrl-C on the terminal reaches this process alone, which then ends the parts in order.
    detached: true,
  });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
  const pid = child.pid ?? 0;
  if (pid > 0) writeFileSync(recordPath(folder, name), JSON.stringify({ pid, startTicks: startTicks(pid), signal: options.stopSignal }));
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && pid > 0) {
      child.kill(options.stopSignal);
      const killer = setTimeout(() => child.kill('SIGKILL'), options.stopWithinMs);
      await ended;
      clearTimeout(killer);
    }
    rmSync(recordPath(folder, name), { force: true });
  };
  const part: Part = { name, pid, port: options.port, ended, stop: () => (stopping ??= stop()) };
  const failure = await waitUntilReady(options, ended);
  if (failure === undefined) return part;
  await part.stop();
  throw new Remedy(`${name} ${failure}. The end of ${logPath(folder, name)}:\n${tail(logPath(folder, name))}`);
}

async function waitUntilReady(options: PartOptions, ended: Promise<string>): Promise<string | undefined> {
  const deadline = performance.now() + options.readyWithinMs;
  let how: string | undefined;
  ended.then((value) => {
    how = value;
  });
  for (let pause = 10; ; pause = Math.min(pause * 1.3, 100)) {
    if (how !== undefined) return `did not start (${how})`;
    try {
      if (await options.ready()) return undefined;
    } catch (error) {
      if (error instanceof Remedy) return error.message;
    }
    if (performance.now() > deadline) return `was not ready within ${options.readyWithinMs / 1000} s`;
    await Promise.race([sleep(pause), ended]);
  }
}

/** setpriv (util-linux) drops root and asks the kernel for a signal at the parent's death; without it the next start cleans up. */
function withLifeline({ command, account, stopSignal }: PartOptions): readonly string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  if (setpriv === undefined) {
    if (account) throw new Remedy('setpriv is missing: apt-get install util-linux, or run this as an ordinary user.');
    return command;
  }
  const drop = account ? [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--no-new-privs'] : [];
  return [setpriv, ...drop, `--pdeathsig=${stopSignal.replace('SIG', '')}`, '--', ...command];
}

/** Ends whatever an earlier run with this state folder left running. */
export async function endLeftovers(folder: string): Promise<void> {
  const records = existsSync(join(folder, 'run')) ? readdirSync(join(folder, 'run')) : [];
  await Promise.all(records.map((name) => endLeftover(folder, name.replace(/\.json$/, ''))));
}

/** Ends what an earlier run of this part left running, known by pid and start time. */
async function endLeftover(folder: string, name: string): Promise<void> {
  const path = recordPath(folder, name);
  if (!existsSync(path)) return;
  const left = JSON.parse(readFileSync(path, 'utf8') || '{}') as { pid?: number; startTicks?: string; signal?: NodeJS.Signals };
  if (left.pid !== undefined && left.startTicks !== undefined && startTicks(left.pid) === left.startTicks && isRunning(left.pid)) {
    process.stderr.write(`ending ${name} (pid ${left.pid}), which an earlier run left: ${commandLine(left.pid).slice(0, 120)}\n`);
    process.kill(left.pid, left.signal ?? 'SIGTERM');
    for (let waited = 0; isRunning(left.pid); waited += 50) {
      if (waited === 5000) process.kill(left.pid, 'SIGKILL');
      await sleep(50);
    }
  }
  rmSync(path, { force: true });
}

/** @throws Remedy that names who holds the port and the setting that chooses another */
export function assertPortFree(port: number, setting: string, protocol: 'tcp' | 'udp' = 'tcp'): void {
  const owner = portOwner(port, protocol);
  if (owner === undefined) return;
  const who = owner.pid === undefined ? "another user's process" : `process ${owner.pid} (${owner.command.slice(0, 120)})`;
  const which = `${protocol === 'udp' ? 'UDP port' : 'Port'} ${port}`;
  throw new Remedy(`${which} is taken by ${who}.\nEnd it, or choose another port: ${setting}=${port + 1000} npm start`);
}

/** A port that is free now: for tests and benches, where any will do. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Whether something on this machine takes a TCP connection at a port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 });
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}

const recordPath = (folder: string, name: string): string => join(folder, 'run', `${name}.json`);
const logPath = (folder: string, name: string): string => join(folder, 'log', `${name}.log`);

/** Appends, so that a restart keeps what the dead process said last; beyond 10 MB the old half moves aside. */
function openLog(folder: string, name: string): number {
  mkdirSync(join(folder, 'log'), { recursive: true });
  mkdirSync(join(folder, 'run'), { recursive: true });
  const path = logPath(folder, name);
  if (existsSync(path) && statSync(path).size > 10_000_000) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

const tail = (path: string): string => readFileSync(path, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
