import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

/** A server of a bench, as a process of its own, its log in a file as it would be in production. */
export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Processor time that it has used so far, user and system, seconds. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

const ticksPerSecond = 100; // sysconf(_SC_CLK_TCK) on Linux

interface Usage {
  readonly parent: number;
  readonly seconds: number;
}

/** Of a process: its parent, and its processor time, user and system, with that of its ended children (proc_pid_stat(5), fields 14 to 17). */
function usageOf(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return { parent: Number(fields[1]), seconds: fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond };
}

/** Processor time of a process and of its children that still run, seconds. */
export function cpuSecondsOfFamily(pid: number): number {
  let seconds = usageOf(pid).seconds;
  for (const other of readdirSync('/proc').map(Number).filter(Boolean)) {
    try {
      const usage = usageOf(other);
      if (usage.parent === pid) seconds += usage.seconds;
    } catch {
      // It has just ended; its parent has its time now.
    }
  }
  return seconds;
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
 * @throws Error with the end of its log where it does not within 10 s.
 */
export async function startServer(
  script: string,
  args: (port: number) => readonly string[],
  folder: string,
  environment: (port: number) => Record<string, string> = () => ({}),
): Promise<Server> {
  const port = await freePort();
  const log = join(folder, `${port}.log`);
  const file = openSync(log, 'a');
  const child: ChildProcess = spawn(process.execPath, [script, ...args(port)], {
    stdio: ['ignore', file, file],
    env: { PATH: process.env.PATH ?? '', ...environment(port) },
  });
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
    cpuSeconds: () => usageOf(pid).seconds,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Runs a script to its end and gives what it printed. */
export function runScript(script: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    started.add(child);
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.once('exit', (code) => {
      started.delete(child);
      if (code === 0) resolve(printed);
      else reject(new Error(`${script} ended with ${code}`));
    });
  });
}
