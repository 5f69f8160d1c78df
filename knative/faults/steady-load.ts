import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Edge } from '../../scripts/demo/edge.ts';
import type { HttpClient } from '../../scripts/demo/http.ts';
import { http2Client } from '../../scripts/demo/http2.ts';
import { type Account, claimAccounts, readyAccounts, renewAll } from '../../scripts/load/accounts.ts';
import { percentile } from '../../scripts/load/figures.ts';
import { collectors, type Dialect, type Mix, type Prepared, requestMaker } from '../../scripts/load/requests.ts';
import { type Answer, send } from '../../scripts/load/sender.ts';
import { stackSettings } from '../../scripts/stack/state.ts';
import { clusterEdge } from '../manifests/testing/cluster.ts';

/** One dialect's part of a load. */
export interface Part {
  requests: number;
  failed: number;
  /** The longest time between two right answers, in milliseconds. */
  gapMs: number;
}

/** What came of a load that went on while something happened. */
export interface Seen {
  /** Requests a second that were sent. */
  readonly rate: number;
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
  /** Could not begin within a second of their time. */
  readonly dropped: number;
  readonly parts: Readonly<Record<Dialect, Part>>;
  /** Of every request, from when it was due. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly longest: number };
  /** Seconds from the beginning at which the slowest one was due, and at which each step of what happened began. */
  readonly slowestAt: number;
  readonly steps: Readonly<Record<string, number>>;
  /** What was wrong with the failed ones, and how often: "records-get-record grpc: UNAVAILABLE …" */
  readonly reasons: Readonly<Record<string, number>>;
  /** Seconds from the beginning at which each failed one was due. */
  readonly failedAt: readonly number[];
}

/** What happens under load. @param step names what begins now */
export type Act = (step: (name: string) => void) => Promise<void>;

export interface Steady {
  readonly edge: Edge;
  readonly accounts: readonly Account[];
  /** Requests a second that the machine answers, with so many under way that it has no rest. */
  readonly capacity: number;
  /**
   * Sends at a bit more than 60 % of that until `act` is done, and some seconds before it and after it.
   * @param load.beside requests a second that somebody else sends, and that are part of the 60 %
   * @param load.mix what collectors do, where nothing is said
   * @param load.grpc share of gRPC; a third
   */
  during(load: { beside?: number; mix?: Mix; grpc?: number }, act: Act): Promise<Seen>;
  close(): void;
}

/** Of what the machine holds. What must be seen is 60 %. */
const loadShare = 0.63;
const users = 20;
/** Before something happens, and after it. */
const aroundMs = 5_000;
/** The most that one load may take. */
const secondsMax = 400;
const grpcShare = 1 / 3;
/** As many as keep two cores busy, and few enough that no function wants a second pod for them. */
const busyAtOnce = 48;
const warmUpMs = 5_000;
const measureMs = 8_000;

/**
 * Accounts, a measured capacity, and what sends: the load generator of `npm run load`, whose requests each have their own time.
 * Every answer's content is judged, as there.
 */
export async function steadyLoad(): Promise<Steady> {
  const edge = clusterEdge();
  const client: HttpClient = await http2Client(edge);
  const claim = claimAccounts(join(stackSettings().folder, 'load', `accounts-${edge.host}-${edge.port}.json`));
  const never = new AbortController().signal;
  try {
    const accounts = await readyAccounts({ client, count: users, file: claim.file, onProgress: () => {}, signal: never });
    const capacity = await measureCapacity(edge, accounts);
    return {
      edge,
      accounts,
      capacity,
      during: async (load, act) => {
        // They are good for 15 minutes.
        await renewAll(client, accounts, claim.file, never);
        const { beside = 0, ...what } = load;
        return during(edge, accounts, { ...what, rate: Math.ceil(loadShare * capacity) - beside }, act);
      },
      close: () => {
        claim.release();
        client.close();
      },
    };
  } catch (error) {
    claim.release();
    client.close();
    throw error;
  }
}

/** More is asked for than there can be, with few requests at once: a next one goes when one is answered. @returns right answers a second */
async function measureCapacity(edge: Edge, accounts: readonly Account[]): Promise<number> {
  const make = await requestMaker(accounts, collectors, grpcShare);
  const asked = new Map<number, Prepared>();
  const enough = new AbortController();
  const over = (warmUpMs + measureMs) / 1000;
  let good = 0;
  await send({
    edge,
    schedule: { burst: 0, phases: [{ seconds: over, from: 3000, to: 3000 }] },
    timeoutSeconds: 30,
    inFlightMax: busyAtOnce,
    signal: enough.signal,
    next: (n) => prepare(asked, n, make()),
    onBegin: () => {},
    onAnswer: (answer) => {
      const ended = answer.sent + answer.took;
      if (judged(asked, answer) === undefined && ended >= warmUpMs && ended < warmUpMs + measureMs) good += 1;
    },
  });
  return (good * 1000) / measureMs;
}

async function during(
  edge: Edge,
  accounts: readonly Account[],
  { rate, mix = collectors, grpc = grpcShare }: { rate: number; mix?: Mix; grpc?: number },
  act: Act,
): Promise<Seen> {
  const make = await requestMaker(accounts, mix, grpc);
  const asked = new Map<number, Prepared>();
  const enough = new AbortController();
  const parts: Record<Dialect, Part> = { rest: newPart(), grpc: newPart() };
  const goodAt: Record<Dialect, number[]> = { rest: [], grpc: [] };
  const latencies: number[] = [];
  const reasons: Record<string, number> = {};
  const failedAt: number[] = [];
  const steps: Record<string, number> = {};
  let slowest = { latency: 0, due: 0 };
  let firstDue = performance.now();
  let begun: () => void = () => {};
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const sending = send({
    edge,
    schedule: { burst: 0, phases: [{ seconds: secondsMax, from: rate, to: rate }] },
    timeoutSeconds: 30,
    inFlightMax: 4000,
    signal: enough.signal,
    next: (n) => prepare(asked, n, make()),
    onBegin: () => {
      firstDue = performance.now();
      begun();
    },
    onAnswer: (answer) => {
      const { dialect, functionName } = asked.get(answer.n) as Prepared;
      const wrong = judged(asked, answer);
      const part = parts[dialect];
      part.requests += 1;
      const latency = answer.sent - answer.due + answer.took;
      latencies.push(latency);
      if (latency > slowest.latency) slowest = { latency, due: answer.due };
      if (wrong === undefined) goodAt[dialect].push(answer.sent + answer.took);
      else {
        part.failed += 1;
        const reason = `${functionName} ${dialect}: ${wrong}`;
        reasons[reason] = (reasons[reason] ?? 0) + 1;
        failedAt.push(inSeconds(answer.due));
      }
    },
  });
  const began = performance.now();
  try {
    await Promise.race([beginning, sending]);
    await sleep(aroundMs);
    await act((name) => {
      steps[name] = inSeconds(performance.now() - firstDue);
    });
    await sleep(aroundMs);
  } finally {
    enough.abort();
    await sending;
  }
  const { dropped } = await sending;
  const seconds = (performance.now() - began) / 1000;
  for (const dialect of ['rest', 'grpc'] as const) parts[dialect].gapMs = longestGap(goodAt[dialect]);
  const sorted = latencies.sort((a, b) => a - b);
  const [p50, p99, longest] = [0.5, 0.99, 1].map((share) => Math.round(percentile(sorted, share))) as [number, number, number];
  return {
    rate: Math.round(latencies.length / seconds),
    seconds: Math.round(seconds),
    requests: latencies.length,
    failed: parts.rest.failed + parts.grpc.failed,
    dropped,
    parts,
    latencyMs: { p50, p99, longest },
    slowestAt: inSeconds(slowest.due),
    steps,
    reasons,
    failedAt: failedAt.sort((a, b) => a - b).slice(0, 100),
  };
}

const inSeconds = (milliseconds: number): number => Math.round(milliseconds / 100) / 10;
const newPart = (): Part => ({ requests: 0, failed: 0, gapMs: 0 });

function prepare(asked: Map<number, Prepared>, n: number, request: Prepared) {
  asked.set(n, request);
  return request.target;
}

function judged(asked: Map<number, Prepared>, answer: Answer): string | undefined {
  const request = asked.get(answer.n) as Prepared;
  asked.delete(answer.n);
  return request.judge(answer);
}

/** @param times milliseconds, in any order */
function longestGap(times: number[]): number {
  times.sort((a, b) => a - b);
  return Math.round(times.reduce((longest, time, index) => Math.max(longest, index === 0 ? 0 : time - (times[index - 1] as number)), 0));
}

/** @throws AssertionError where a request failed, or the load was not what it was meant to be */
export function assertNoneFailed(seen: Seen, capacity: number): void {
  assert.deepEqual(seen.reasons, {});
  assert.ok(seen.parts.rest.requests > 0 && seen.parts.grpc.requests > 0, 'both dialects');
  assert.ok(seen.rate >= 0.6 * capacity, `${seen.rate}/s is less than 60 % of ${capacity}/s`);
}
