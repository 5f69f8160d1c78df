import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Edge } from '../demo/edge.ts';
import { Remedy } from '../tools/install.ts';
import { loadSender } from '../tools/load-sender.ts';
import { plannedCount, type Schedule } from './schedule.ts';

/** One request of the load, before it is sent. */
export interface Target {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

/** What came of one request. Milliseconds; `due` and `sent` from the beginning of the schedule, `took` from when it was sent. */
export interface Answer {
  /** Which target it was: 0 is the first. */
  readonly n: number;
  readonly due: number;
  readonly sent: number;
  readonly took: number;
  /** 0 where no answer came; `error` says why then. */
  readonly status: number;
  readonly error: string;
  readonly grpcStatus: string;
  /** Percent-encoded, as it came. */
  readonly grpcMessage: string;
  readonly body: Buffer;
  /** Requests dropped until now: they could not begin within a second of their time. */
  readonly dropped: number;
}

export interface Sending {
  readonly edge: Edge;
  readonly schedule: Schedule;
  /** Seconds that one request may take. */
  readonly timeoutSeconds: number;
  /** Requests under way at once. */
  readonly inFlightMax: number;
  /** The next request to send. */
  readonly next: (n: number) => Target;
  /** Told when the schedule begins. @param at milliseconds since 1970 */
  readonly onBegin: (at: number) => void;
  readonly onAnswer: (answer: Answer) => void;
  /** Ends the sending; what is under way is still waited for. */
  readonly signal: AbortSignal;
  /** Ends at once; answers that have not come are not waited for. */
  readonly killSignal?: AbortSignal;
}

/** A connection carries 250 requests at once (Caddy's own limit). */
const perConnection = 200;
const connectionsMin = 8;

type Event =
  | { readonly ready: { readonly beganMs: number } }
  | {
      readonly result: Omit<Answer, 'body' | 'error' | 'grpcStatus' | 'grpcMessage'> & {
        [name in 'body' | 'error' | 'grpcStatus' | 'grpcMessage']?: string;
      };
    }
  | { readonly ended: { readonly sent: number; readonly dropped: number } }
  | { readonly failed: string };

/**
 * Sends a schedule's requests to the edge over HTTP/2 by a process of its own, each at its own time.
 * @returns how many were sent, and how many were dropped because they could not begin within a second of their time
 * @throws Remedy where the program can't be had, can't connect or dies; what `next` throws
 */
export async function send(sending: Sending): Promise<{ sent: number; dropped: number }> {
  const { edge, schedule, signal, killSignal } = sending;
  const planned = plannedCount(schedule);
  // A process group of its own: Ctrl-C on the terminal is for this process, which then ends it in order. It ends by itself with our pipe.
  const child = spawn(await loadSender(), { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const closed = once(child, 'close');
  // Where it goes away early, that is seen by how it ends.
  child.stdin.on('error', () => {});
  const plan = {
    origin: edge.origin,
    address: `${edge.address}:${edge.port}`,
    caFile: edge.caFile,
    connections: Math.max(connectionsMin, Math.ceil(schedule.burst / perConnection)),
    inFlightMax: sending.inFlightMax,
    timeoutMs: sending.timeoutSeconds * 1000,
    dropAfterMs: 1000,
    burst: schedule.burst,
    phases: schedule.phases,
    planned,
  };
  child.stdin.write(`${JSON.stringify(plan)}\n`);
  const stop = () => void child.kill('SIGTERM');
  const kill = () => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  killSignal?.addEventListener('abort', kill, { once: true });
  let dropped = 0;
  let sent = 0;
  let ended = false;
  let failure: string | undefined;
  // Without its requests it would wait for them for ever.
  let broken: { readonly cause: unknown } | undefined;
  const writing = writeTargets(child.stdin, planned, sending.next).catch((cause) => {
    broken = { cause };
    kill();
  });
  try {
    if (signal.aborted) stop();
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as Event;
      if ('ready' in event) sending.onBegin(event.ready.beganMs);
      else if ('failed' in event) failure = event.failed;
      else if ('ended' in event) {
        ({ sent, dropped } = event.ended);
        ended = true;
      } else {
        sent += 1;
        const { result } = event;
        dropped = result.dropped;
        sending.onAnswer({
          ...result,
          error: result.error ?? '',
          grpcStatus: result.grpcStatus ?? '',
          grpcMessage: result.grpcMessage ?? '',
          body: Buffer.from(result.body ?? '', 'base64'),
        });
      }
    }
    const [code, killedBy] = await closed;
    if (broken !== undefined) throw broken.cause;
    if (failure !== undefined) throw new Remedy(`${failure}\nIs something there? curl --cacert ${edge.caFile} ${edge.origin}/healthz`);
    if (!ended && killSignal?.aborted !== true)
      throw new Remedy(`The load generator ended with ${killedBy ?? code}.\nRun it again; what it said stands above.`);
    return { sent, dropped };
  } finally {
    signal.removeEventListener('abort', stop);
    killSignal?.removeEventListener('abort', kill);
    child.stdin.destroy();
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await writing;
  }
}

/** Writes requests as fast as they are taken: a few hundred ahead of their time. */
async function writeTargets(
  pipe: NodeJS.WritableStream & { destroyed?: boolean },
  planned: number,
  next: (n: number) => Target,
): Promise<void> {
  for (let n = 0; n < planned && pipe.writable; n += 1) {
    const { body, ...target } = next(n);
    const line = JSON.stringify({ n, ...target, ...(body === undefined ? {} : { body: Buffer.from(body).toString('base64') }) });
    if (!pipe.write(`${line}\n`))
      await new Promise<void>((resolve) => {
        const go = () => {
          pipe.off('drain', go);
          pipe.off('close', go);
          resolve();
        };
        pipe.on('drain', go);
        pipe.on('close', go);
      });
  }
}
