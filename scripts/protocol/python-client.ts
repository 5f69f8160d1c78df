import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pythonGrpc } from '../tools/python-grpc.ts';

/** How a call ended, as grpcio saw it. */
export interface PythonAnswer {
  /** "OK", "NOT_FOUND" … */
  readonly code: string;
  readonly response?: Record<string, unknown>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly domain?: string;
  readonly details?: string;
  readonly status_code?: number;
  readonly status_message?: string;
  readonly violations: readonly { readonly field: string; readonly reason: string }[];
}

/** gRPC as Python's grpcio speaks it: an implementation that shares no code with ours. One process for any number of questions. */
export interface PythonClient {
  services(target: string, version: 'v1' | 'v1alpha'): Promise<string[]>;
  /** Messages are proto3 JSON; what they look like, it asks the server by reflection. `timeout` is in seconds. */
  call(
    target: string,
    method: string,
    more?: { message?: object; metadata?: Record<string, string>; timeout?: number },
  ): Promise<PythonAnswer>;
  health(target: string, service?: string): Promise<{ status?: string; code?: string }>;
  /** Resolves when the first status has come; `ended` when the watch is over. */
  watch(target: string, timeout: number): Promise<{ first: string; ended: Promise<{ seen: string[]; code: string }> }>;
  /** Closes its connection. */
  close(target: string): Promise<void>;
  stop(): void;
}

interface Asked {
  resolve(answer: never): void;
  reject(error: Error): void;
  event?: (name: string) => void;
}

export async function startPythonClient(): Promise<PythonClient> {
  const { command, environment } = await pythonGrpc();
  const child = spawn(command, [join(import.meta.dirname, 'grpc_client.py')], { stdio: ['pipe', 'pipe', 'inherit'], env: environment });
  const asked = new Map<number, Asked>();
  let last = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, answer, error, event } = JSON.parse(line);
    const one = asked.get(id);
    if (event !== undefined) return one?.event?.(event);
    asked.delete(id);
    if (error === undefined) one?.resolve(answer as never);
    else one?.reject(new Error(`grpcio: ${error}`));
  });
  child.once('exit', (code) => {
    for (const { reject } of asked.values()) reject(new Error(`the Python client ended with ${code}`));
  });
  const ask = <Answer>(question: object, event?: (name: string) => void): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      asked.set(id, { resolve, reject, ...(event && { event }) });
      child.stdin.write(`${JSON.stringify({ id, ...question })}\n`);
    });
  return {
    services: async (target, version) => (await ask<{ services: string[] }>({ do: 'services', target, version })).services,
    call: (target, method, more = {}) => ask({ do: 'call', target, method, ...more }),
    health: (target, service = '') => ask({ do: 'health', target, service }),
    watch: (target, timeout) =>
      new Promise((resolve, reject) => {
        const ended = ask<{ seen: string[]; code: string }>({ do: 'watch', target, timeout }, (first) => resolve({ first, ended }));
        ended.then(({ seen, code }) => seen.length === 0 && reject(new Error(`the watch ended with ${code}`)), reject);
      }),
    close: (target) => ask({ do: 'close', target }),
    stop: () => void child.kill('SIGKILL'),
  };
}
