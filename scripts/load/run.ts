import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Edge } from '../demo/edge.ts';
import type { HttpClient } from '../demo/http.ts';
import { Remedy } from '../tools/install.ts';
import { type Account, renewAll } from './accounts.ts';
import { lateAfterMs, type Mark, type Run, type Sample } from './figures.ts';
import type { LoadOptions } from './options.ts';
import { namespace, type Pods, type PodsSample, type PodsWatch, watchPods } from './pods.ts';
import { functionOf, type Kind, type Prepared, requestMaker } from './requests.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { plannedBy, plannedCount, plannedRate, type Schedule, secondsOf } from './schedule.ts';
import { type Answer, send } from './sender.ts';

/** What is going on, for whoever watches. */
export interface Progress {
  /** "sending", "waiting until there is no pod" … */
  readonly doing: string;
  /** Seconds since the run began, and how many it will take; undefined where nobody knows. */
  readonly seconds: number;
  readonly ofSeconds: number | undefined;
  /** In the order in which they were answered. `endedAt` of one is `due + latencyMs`. */
  readonly samples: readonly Sample[];
  /** Of all samples. */
  readonly late: number;
  readonly failed: number;
  /** Each function that was called, and how many of its requests failed. */
  readonly failedOf: ReadonlyMap<string, number>;
  /** Requests that are due and have no answer. */
  readonly underWay: number;
  readonly plannedRate: number;
  readonly dropped: number;
  /** By function; undefined where no cluster is seen. */
  readonly pods: ReadonlyMap<string, Pods> | undefined;
}

export interface Running {
  readonly progress: () => Progress;
  /** What was seen, when it is over. */
  readonly over: Promise<Run>;
}

export interface Started {
  readonly options: LoadOptions;
  readonly edge: Edge;
  readonly client: HttpClient;
  readonly accounts: readonly Account[];
  /** Ends the sending in order. */
  readonly stop: AbortSignal;
  /** Ends at once. */
  readonly kill: AbortSignal;
  readonly say: (line: string) => void;
  /** File that the command of a rollout writes to. */
  readonly commandLog: string;
}

/** A rollout's command begins and ends this long after and before the load. */
const aroundSeconds = 10;
/** The autoscaler's window is a minute, and its grace half a minute. */
const zeroWithinSeconds = 300;
/** The last pod is still going when it no longer counts. */
const afterZeroSeconds = 3;
/** The watch tells of a pod a moment after it has answered. */
const watchLagSeconds = 2;
/** Access tokens are good for 15 minutes. */
const renewEveryMs = 5 * 60_000;

/** Begins a scenario. */
export function startRun(started: Started): Running {
  const { options, stop } = started;
  const scenario: Scenario = scenarios[options.scenario];
  /** When the first request was due, once that is known. Milliseconds since 1970. */
  let began = Date.now();
  const elapsed = (): number => (Date.now() - began) / 1000;
  const samples: Sample[] = [];
  const podsSeen: PodsSample[] = [];
  const marks: Mark[] = [];
  const sendings: Sent[] = [];
  const failedOf = new Map<string, number>();
  let late = 0;
  let failed = 0;
  let doing = 'starting';
  let dropped = 0;
  let droppedNow = 0;
  let sent = 0;
  let ofSeconds: number | undefined;
  let pods: PodsWatch | undefined;
  let commandEnded: number | string = 0;
  const mark = (says: string): void => void marks.push({ at: Math.round(elapsed() * 1000) / 1000, says });

  const sendAll = async (make: () => Prepared, schedule: Schedule, end: AbortSignal): Promise<void> => {
    const sending: Sent = { schedule, at: undefined, planned: undefined };
    sendings.push(sending);
    const prepared = new Map<number, Prepared>();
    const result = await send({
      edge: started.edge,
      schedule,
      timeoutSeconds: options.timeoutSeconds,
      inFlightMax: options.inFlightMax,
      signal: end,
      killSignal: started.kill,
      next: (n) => {
        const request = make();
        prepared.set(n, request);
        return request.target;
      },
      onBegin: (at) => {
        // What was before, as waiting until there is no pod, is no part of the picture.
        if (sendings.length === 1) {
          began = at;
          if (options.runs === 1 && options.during === undefined) ofSeconds = secondsOf(schedule);
        }
        sending.at = (at - began) / 1000;
        if (options.runs > 1) mark(`run ${sendings.length}`);
        doing = 'sending';
      },
      onAnswer: (answer) => {
        const request = prepared.get(answer.n) as Prepared;
        prepared.delete(answer.n);
        droppedNow = answer.dropped;
        const sample = sampleOf(request, answer, (sending.at ?? 0) * 1000);
        samples.push(sample);
        late += Number(sample.lateMs > lateAfterMs);
        failed += Number(sample.reason !== undefined);
        failedOf.set(sample.functionName, (failedOf.get(sample.functionName) ?? 0) + Number(sample.reason !== undefined));
      },
    });
    sending.planned = end.aborted ? plannedUntil(sending, elapsed()) : plannedCount(schedule);
    sent += result.sent;
    dropped += result.dropped;
    droppedNow = 0;
  };

  const run = async (): Promise<Run> => {
    const renewing = setInterval(
      () => renewAll(started.client, started.accounts, options.accountsFile, stop).catch(() => {}),
      renewEveryMs,
    );
    try {
      pods = await watchPods((sample) => podsSeen.push(sample));
      const make = await requestMaker(started.accounts, options.mix, options.grpc);
      const functions = functionsOf(options);
      if (scenario.fromZero === 'always' && pods === undefined)
        throw new Remedy(
          'The cluster does not answer, so nobody sees whether a function has a pod.\nkubectl get deployments -n record-platform',
        );
      const schedule = scenario.schedule(options);
      for (let round = 1; round <= options.runs && !stop.aborted; round += 1) {
        if (pods !== undefined && scenario.fromZero !== 'never') {
          doing = `waiting until there is no pod${options.runs > 1 ? ` (run ${round} of ${options.runs})` : ''}`;
          await waitForZero(pods, functions, stop);
          await pause(afterZeroSeconds, stop);
          if (stop.aborted) break;
        } else if (scenario.fromZero === 'where seen') started.say('No cluster is seen: the burst does not wait until there is no pod.');
        if (options.during === undefined) await sendAll(make, schedule, stop);
        else await sendDuring(options.during, (end) => sendAll(make, schedule, end));
      }
      if (pods !== undefined) await pause(watchLagSeconds, stop);
      if (pods !== undefined && scenario.watchSeconds > 0 && !stop.aborted) {
        doing = 'watching the pods go';
        ofSeconds = elapsed() + scenario.watchSeconds;
        await waitFor(() => functions.every((name) => isGone(pods?.now.get(name))), scenario.watchSeconds, stop);
      }
    } finally {
      clearInterval(renewing);
      pods?.stop();
    }
    return {
      scenario: options.scenario,
      target: options.target,
      settings: settingsOf(options),
      machine: {
        cores: cpus().length,
        model: cpus()[0]?.model,
        memoryGib: Math.round(totalmem() / 2 ** 30),
        node: process.version,
        generator: 'vegeta 12.13',
      },
      interrupted: stop.aborted,
      commandEnded,
      began,
      ended: Date.now(),
      samples,
      // The others' pods are none of this load's.
      pods: podsSeen.filter(({ functionName }) => functionsOf(options).includes(functionName)),
      marks,
      planned: sendings.reduce((sum, sending) => sum + plannedUntil(sending, elapsed()), 0),
      sent,
      dropped,
      plannedRate: (at) => sendings.reduce((sum, sending) => sum + plannedRate(sending.schedule, at - (sending.at ?? at + 1)), 0),
    };
  };

  /** A command runs under the load, which begins before it and ends after it. @throws Remedy where it fails */
  const sendDuring = async (command: string, sendUntil: (end: AbortSignal) => Promise<void>): Promise<void> => {
    const enough = new AbortController();
    const end = AbortSignal.any([stop, enough.signal]);
    const sending = sendUntil(end);
    const over = sending.then(
      () => {},
      () => {},
    );
    await Promise.race([waitFor(() => sendings.at(-1)?.at !== undefined, 30, end), over]);
    await Promise.race([pause(aroundSeconds, end), over]);
    if (!end.aborted) {
      mark('the command begins');
      doing = `sending, while this runs: ${command}`;
      commandEnded = await runCommand(command, started.commandLog, stop, over);
      mark(commandEnded === 0 ? 'the command has ended' : `the command has failed (${commandEnded})`);
      doing = 'sending, after the command';
      await Promise.race([pause(aroundSeconds, end), over]);
    }
    enough.abort();
    await sending;
  };

  return {
    over: run(),
    progress: () => {
      const planned = sendings.reduce((sum, sending) => sum + plannedUntil(sending, elapsed()), 0);
      const current = sendings.at(-1);
      return {
        doing,
        seconds: elapsed(),
        ofSeconds,
        samples,
        late,
        failed,
        failedOf,
        underWay: doing.startsWith('sending') ? Math.max(0, Math.round(planned - samples.length - dropped - droppedNow)) : 0,
        plannedRate: current?.at === undefined ? 0 : plannedRate(current.schedule, elapsed() - current.at),
        dropped: dropped + droppedNow,
        pods: pods?.now,
      };
    },
  };
}

/** One process of the generator's. */
interface Sent {
  readonly schedule: Schedule;
  /** Seconds of the run at which it began. */
  at: number | undefined;
  /** How many requests were due, once it has ended. */
  planned: number | undefined;
}

/** How many requests were due until a second of the run. */
const plannedUntil = ({ schedule, at, planned }: Sent, now: number): number =>
  planned ?? (at === undefined ? 0 : Math.min(plannedCount(schedule), Math.floor(plannedBy(schedule, now - at))));

function sampleOf({ functionName, kind, dialect, judge }: Prepared, answer: Answer, beganMs: number): Sample {
  return {
    functionName,
    kind,
    dialect,
    due: beganMs + answer.due,
    lateMs: answer.sent - answer.due,
    latencyMs: answer.sent - answer.due + answer.took,
    status: answer.status,
    reason: judge(answer),
  };
}

const functionsOf = ({ mix }: LoadOptions): string[] => [
  ...new Set((Object.entries(mix) as [Kind, number][]).filter(([, weight]) => weight > 0).map(([kind]) => functionOf[kind])),
];

const isGone = (pods: Pods | undefined): boolean => pods !== undefined && pods.desired === 0 && pods.ready === 0;

async function waitForZero(pods: PodsWatch, functions: readonly string[], stop: AbortSignal): Promise<void> {
  const unknown = functions.filter((name) => !pods.now.has(name));
  if (unknown.length > 0)
    throw new Remedy(`There is no ${unknown.join(', ')} in namespace ${namespace}.\nDeploy the functions: npm run deploy`);
  const reached = await waitFor(() => functions.every((name) => isGone(pods.now.get(name))), zeroWithinSeconds, stop);
  if (reached || stop.aborted) return;
  const left = functions.filter((name) => !isGone(pods.now.get(name)));
  throw new Remedy(
    `${left.join(', ')} still has pods after ${zeroWithinSeconds} s.\nIs somebody calling it, or is its scaleMin above 0? kubectl get pods -n ${namespace}`,
  );
}

/** @returns whether it came true in time */
async function waitFor(isTrue: () => boolean, seconds: number, end: AbortSignal): Promise<boolean> {
  for (const until = performance.now() + seconds * 1000; performance.now() < until && !end.aborted; ) {
    if (isTrue()) return true;
    await pause(0.1, end);
  }
  return isTrue();
}

const pause = (seconds: number, end: AbortSignal): Promise<void> => sleep(seconds * 1000, undefined, { signal: end }).catch(() => {});

/**
 * Runs a shell command to its end, in a process group of its own.
 * @param file what it says goes there
 * @param tooLate resolves when nothing is sent any more: then it is ended
 * @returns its exit code, or the signal that ended it
 */
async function runCommand(command: string, file: string, stop: AbortSignal, tooLate: Promise<void>): Promise<number | string> {
  const log = openSync(file, 'w');
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', log, log], detached: true });
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
  });
  const end = (): void => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  };
  if (stop.aborted) end();
  stop.addEventListener('abort', end, { once: true });
  tooLate.then(end);
  try {
    return await ended;
  } finally {
    stop.removeEventListener('abort', end);
  }
}

/** What of the options is worth knowing afterwards. */
function settingsOf({ rate, seconds, requests, runs, users, grpc, mix, timeoutSeconds, inFlightMax, during, scenario }: LoadOptions) {
  return {
    ...(scenario === 'burst' ? { requests } : scenario === 'from-zero' ? {} : { rate, seconds }),
    runs,
    users,
    grpc,
    mix,
    timeoutSeconds,
    inFlightMax,
    ...(during === undefined ? {} : { during }),
  };
}
