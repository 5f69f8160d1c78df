import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { functionEnvironment, functionFlags } from '../build/function-process.ts';
import type { LoadResult } from './windows.ts';

/** A server of a bench, as a process of its own, its log through a pipe as it would be in production. */
export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Processor time that it has used so far, user and system, microseconds. */
  cpuMicros(): number;
  stop(): Promise<void>;
}

const microsPerTick = 10_000; // sysconf(_SC_CLK_TCK) is 100 on Linux

/** Processor time of a process that runs, all its threads, microseconds (/proc/PID/task/TID/schedstat, whose first number is nanoseconds). */
export function cpuMicros(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(textOf(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
  return nanoseconds / 1000;
}

/** The same with its children, those that have ended too (proc_pid_stat(5), fields 16 and 17). */
export function cpuMicrosOfFamily(pid: number): number {
  const [user, system] = textOf(`/proc/${pid}/stat`).split(') ')[1]?.split(' ').slice(13, 15) ?? [];
  let micros = cpuMicros(pid) + (Number(user) + Number(system)) * microsPerTick;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    for (const child of textOf(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean)) {
      try {
        micros += cpuMicros(Number(child));
      } catch {
        // It has just ended; its parent has its time now.
      }
    }
  return micros;
}

/** What a thread says of itself; nothing where it has just ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** What a bench has started and not yet ended: it ends with the bench, also where that is interrupted. */
const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

/**
 * Starts a script with this Node and waits until it accepts connections.
 * @param asFunction with the process settings that functions have in production
 * @throws Error with the end of its log where it does not within 10 s.
 */
export async function startServer(
  script: string,
  args: (port: number) => readonly string[],
  folder: string,
  environment: (port: number) => Record<string, string> = () => ({}),
  asFunction = false,
): Promise<Server> {
  const port = await freePort();
  const log = join(folder, `${port}.log`);
  const file = createWriteStream(log);
  const child = spawn(process.execPath, [...(asFunction ? functionFlags : []), script, ...args(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...(asFunction ? functionEnvironment : {}), ...environment(port) },
  });
  child.stdout.pipe(file);
  child.stderr.pipe(file);
  started.add(child);
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => {
      started.delete(child);
      resolve();
    }),
  );
  const deadline = performance.now() + 10_000;
  while (!(await accepts(port))) {
    if (performance.now() > deadline || child.exitCode !== null) {
      child.kill('SIGKILL');
      throw new Error(`${script} did not start:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const pid = child.pid as number;
  return {
    port,
    pid,
    cpuMicros: () => cpuMicros(pid),
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** A client that keeps its connections and its compiled code from one window to the next. */
export interface Client {
  readonly pid: number;
  /** Calls for a time, and counts. */
  run(seconds: number): Promise<LoadResult>;
  stop(): Promise<void>;
}

/** Starts `SCRIPT PLAN.json`, which answers each line of its input (seconds) with a line of JSON (a LoadResult). */
export function startClient(script: string, plan: string): Client {
  const child = spawn(process.execPath, [script, plan], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.add(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  exited.then(() => started.delete(child));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid as number,
    async run(seconds) {
      child.stdin.write(`${seconds}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${script} has ended`);
      return JSON.parse(value);
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
