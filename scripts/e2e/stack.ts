import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFunctions } from '../build/functions.ts';
import type { Edge } from '../demo/edge.ts';
import { commandLine, isRunning, portOwner } from '../stack/proc.ts';
import { databaseUrl, type Secrets } from '../stack/state.ts';

/** Where a stack of its own lives: beside a developer's and beside other tests'. */
export interface Place {
  /** RECORD_PLATFORM_STATE: data, secrets, CA, logs. */
  readonly folder: string;
  readonly edgePort: number;
  readonly postgresPort: number;
  readonly pgbouncerPort: number;
  readonly functionsPort: number;
}

/** `node scripts/start.ts` as a child process. */
export interface StartProcess {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Waits for a line on stdout or stderr. @throws AssertionError with what it said instead, when it ends or the time is over */
  said(pattern: RegExp, withinMs: number): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  ended(withinMs: number): Promise<number | NodeJS.Signals>;
}

/** A whole local stack that is ready. */
export interface RunningStack extends Place {
  readonly start: StartProcess;
  /** From the start of the process until it said that it is ready. */
  readonly readySeconds: number;
  /** Where its clients connect, by address: record.local needs no line in the hosts file. */
  readonly edge: Edge;
  /** Connection URL of PostgreSQL's superuser, past PgBouncer. */
  readonly superuserUrl: string;
  /** The process that is a part now: "caddy", "records-get-record" … */
  pid(part: string): number;
  /** The JSON lines that a function has logged. */
  logged(part: string): Record<string, unknown>[];
  /** Ends it as Ctrl-C does. @throws AssertionError unless it exits with 0 and nothing of it is left */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder and ports that are free. The edge's is 8443, as the contract's commands have it, where that is free. */
export function freePlace(prefer8443 = false): Place {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-e2e-'));
  // PostgreSQL runs as another user where this is root.
  chmodSync(folder, 0o755);
  const count = findFunctions(root).length;
  const free = (port: number) => portOwner(port) === undefined && portOwner(port, 'udp') === undefined;
  // Below the ports that the kernel gives to clients, so that nobody takes one between this look and the start.
  for (let tries = 0; tries < 100; tries += 1) {
    const base = 15_000 + 50 * Math.floor(Math.random() * 300);
    if (!Array.from({ length: count + 3 }, (_, index) => base + index).every(free)) continue;
    const edgePort = prefer8443 && free(8443) ? 8443 : base;
    return { folder, edgePort, postgresPort: base + 1, pgbouncerPort: base + 2, functionsPort: base + 3 };
  }
  throw new Error('no free ports');
}

/** This process's environment, with the settings of npm start that put a stack at a place. */
export const environmentOf = (place: Place): NodeJS.ProcessEnv => ({
  ...process.env,
  RECORD_PLATFORM_STATE: place.folder,
  RECORD_PLATFORM_EDGE_PORT: String(place.edgePort),
  RECORD_PLATFORM_POSTGRES_PORT: String(place.postgresPort),
  RECORD_PLATFORM_PGBOUNCER_PORT: String(place.pgbouncerPort),
  RECORD_PLATFORM_FUNCTIONS_PORT: String(place.functionsPort),
  // The least that is allowed: what is tested here isn't how slow a password is.
  BCRYPT_COST: '10',
});

/** Starts `node scripts/start.ts` at a place. */
export function runStart(place: Place, argv: readonly string[] = [], environment: Readonly<Record<string, string>> = {}): StartProcess {
  const command = [process.execPath, join(root, 'scripts/start.ts'), ...argv];
  // Should the test be killed, the kernel ends the stack in order.
  if (existsSync('/usr/bin/setpriv')) command.unshift('/usr/bin/setpriv', '--pdeathsig=TERM', '--');
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    env: { ...environmentOf(place), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Away from this terminal: its Ctrl-C must end the test, whose clean-up ends the stack.
    detached: true,
  });
  return watched(child);
}

/** What a child process with piped output says, and how it ends. */
export function watched(child: ChildProcess): StartProcess {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // "close": by then everything that it said has been read.
  const closed = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0));
  });
  let end: number | NodeJS.Signals | undefined;
  closed.then(
    (value) => {
      end = value;
    },
    () => {},
  );
  const everything = () => `stdout:\n${stdout}\nstderr:\n${stderr}`;
  return {
    pid: child.pid ?? 0,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    async said(pattern, withinMs) {
      for (let waited = 0; !pattern.test(stdout) && !pattern.test(stderr); waited += 10) {
        assert.ok(end === undefined, `npm start ended with ${end} before it said ${pattern}.\n${everything()}`);
        assert.ok(waited < withinMs, `npm start did not say ${pattern} within ${withinMs / 1000} s.\n${everything()}`);
        await sleep(10);
      }
    },
    signal: (signal) => void child.kill(signal),
    async ended(withinMs) {
      const late = new AbortController();
      const tooLate = sleep(withinMs, undefined, { signal: late.signal }).then(
        () => assert.fail(`npm start had not ended after ${withinMs / 1000} s.\n${everything()}`),
        () => 0,
      );
      try {
        return await Promise.race([closed, tooLate]);
      } finally {
        late.abort();
      }
    },
  };
}

/** Starts a whole stack and waits until it is ready. What fails leaves nothing running. */
export async function startStackProcess(place: Place, environment: Readonly<Record<string, string>> = {}): Promise<RunningStack> {
  const began = performance.now();
  const start = runStart(place, [], environment);
  try {
    // The bundles may have to be built first, on a machine that does other things too.
    await start.said(/^ready in .*\n[\s\S]*^Ctrl-C ends everything\.$/m, 120_000);
  } catch (error) {
    start.signal('SIGINT');
    await start.ended(30_000).catch(() => start.signal('SIGKILL'));
    throw error;
  }
  const { folder, edgePort, postgresPort } = place;
  const caFile = join(folder, 'ca/root.crt');
  const secrets = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as Secrets;
  return {
    ...place,
    start,
    readySeconds: (performance.now() - began) / 1000,
    edge: {
      origin: `https://record.local:${edgePort}`,
      host: 'record.local',
      port: edgePort,
      address: '127.0.0.1',
      ca: readFileSync(caFile),
      caFile,
    },
    superuserUrl: databaseUrl('postgres', secrets, postgresPort),
    pid: (part) => JSON.parse(readFileSync(join(folder, 'run', `${part}.json`), 'utf8')).pid,
    logged: (part) =>
      readFileSync(join(folder, 'log', `${part}.log`), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line)),
    stop: async () => {
      start.signal('SIGINT');
      assert.equal(await start.ended(30_000), 0, start.stderr);
      await assertNothingRuns(folder);
    },
  };
}

/**
 * Every process of a stack has its log, its data or its working folder below the state folder, or names it: PostgreSQL's backends too.
 * @returns pid and command line of each that runs
 */
export function processesOf(folder: string): string[] {
  const within = (path: string) => path === folder || path.startsWith(`${folder}/`);
  const found = globSync('/proc/[0-9]*').map((path) => Number(path.split('/')[2]));
  return found
    .filter((pid) => pid !== process.pid && isRunning(pid))
    .filter((pid) => commandLine(pid).includes(folder) || linksOf(pid).some(within))
    .map((pid) => `${pid} ${commandLine(pid)}`);
}

/** Its working folder and what its open descriptors are; nothing of a process that has just ended. */
const linksOf = (pid: number): string[] =>
  [`/proc/${pid}/cwd`, ...globSync(`/proc/${pid}/fd/*`)].flatMap((link) => {
    try {
      return [readlinkSync(link)];
    } catch {
      return [];
    }
  });

/** @param withinMs for what ends with the process that started it, rather than before it */
export async function assertNothingRuns(folder: string, withinMs = 0): Promise<void> {
  for (let waited = 0; waited < withinMs && processesOf(folder).length > 0; waited += 50) await sleep(50);
  assert.deepEqual(processesOf(folder), []);
}

/** Ends what runs, whatever became of the test, and removes the folder. */
export async function cleanUp({ folder }: Place, start?: StartProcess): Promise<void> {
  if (start !== undefined && isRunning(start.pid)) {
    start.signal('SIGINT');
    await start.ended(30_000).catch(() => start.signal('SIGKILL'));
  }
  for (const line of processesOf(folder)) process.kill(Number.parseInt(line, 10), 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
