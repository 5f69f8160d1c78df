import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../scripts/build/build.ts';

const dist = join(import.meta.dirname, '..', '..', 'dist');
/** A cold start takes a tenth of a second; a busy machine has other things to do. */
const startWithinMs = 30_000;

/** One line of a function's log, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A function's bundle, running as a process of its own, as production runs it. */
export interface Bundle {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** "http://127.0.0.1:PORT" */
  readonly origin: string;
  /** What it has logged so far. */
  readonly lines: readonly LogLine[];
  /** What it has written to stderr so far: nothing, where all is well. */
  stderr(): string;
  /** Sends a signal, without waiting. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves when the process has ended: its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** SIGTERM, and SIGKILL after 10 s. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** Brings dist up to date. @throws Error where a source does not bundle */
export async function buildBundles(only?: readonly string[]): Promise<void> {
  await build({ only });
}

/**
 * Starts a function's bundle with an environment of its own, nothing inherited, on a free port of 127.0.0.1.
 * @throws Error with what it wrote, where it does not listen
 */
export async function startBundle(name: string, environment: Readonly<Record<string, string>>): Promise<Bundle> {
  const entry = join(dist, name, 'index.js');
  const [program = '', ...args] = withLifeline([process.execPath, entry]);
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin', TZ: 'UTC', HOST: '127.0.0.1', PORT: '0', DRAIN_SECONDS: '8', ...environment },
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    // 'close': when its output has been read to the end, too.
    child.once('close', (code, signal) => resolve(signal ?? code ?? 1));
    child.once('error', () => resolve(1));
  });
  const lines: LogLine[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const listening = readLines(child, lines);
  const late = setTimeout(() => child.kill('SIGKILL'), startWithinMs);
  const port = await Promise.race([listening, ended.then(() => undefined)]);
  clearTimeout(late);
  if (port === undefined) throw new Error(`${name} did not start:\n${errors}${JSON.stringify(lines.at(-1) ?? '')}`);
  return {
    name,
    pid: child.pid as number,
    port,
    origin: `http://127.0.0.1:${port}`,
    lines,
    stderr: () => errors,
    signal: (signal) => void child.kill(signal),
    ended,
    async stop() {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      const how = await ended;
      clearTimeout(killer);
      return how;
    },
  };
}

/** Parses each line of stdout as JSON. @returns the port that it says it listens on */
function readLines(child: ChildProcess, lines: LogLine[]): Promise<number> {
  return new Promise((resolve) => {
    let unread = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (unread + text).split('\n');
      unread = parts.pop() ?? '';
      for (const part of parts) {
        const line = JSON.parse(part) as LogLine;
        lines.push(line);
        if (line.message === 'listening') resolve(line.port as number);
      }
    });
  });
}

/** So that it ends with this process, also where that is killed (util-linux; without it `stop` alone ends it). */
function withLifeline(command: readonly string[]): readonly string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  return setpriv === undefined ? command : [setpriv, '--pdeathsig=KILL', '--', ...command];
}
