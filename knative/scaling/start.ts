import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stateFolder } from '../cluster/state.ts';
import { functionsNamespace } from '../manifests/service.ts';
import { follow } from './follow.ts';
import type { Gateway } from './gateway.ts';
import type { Quiet } from './machine.ts';
import { type Moments, type Phases, phasesOf, readMoments } from './phases.ts';
import type { PodsWatch } from './pods.ts';
import type { Target } from './targets.ts';

/** One start from zero, as it went. Milliseconds. */
export interface Start {
  readonly service: string;
  readonly round: number;
  /** ISO 8601 */
  readonly at: string;
  readonly status: number;
  /** What was wrong with the answer, where something was. */
  readonly wrong: string | undefined;
  /** From when the request was sent to the end of its answer. */
  readonly totalMs: number;
  readonly phases: Phases | undefined;
  /** From the start of the function's container until it listens. It runs beside queue-proxy's start. */
  readonly processMs: number | undefined;
  /** The function's own time for this first call: key, database connection, query. */
  readonly callMs: number | undefined;
  /** The same for a second call, to the same instance. With a password nearly all of it is the hash. */
  readonly secondCallMs: number | undefined;
  /** How often the kubelet or containerd was asked for more than this pod: 0 where the start was alone. */
  readonly quiet: Quiet;
}

/** A log line reaches its file a moment after it was written. */
const logLagMs = 700;

/** Sends one request to a service without a pod, and finds out what it waited for. The service must be at zero. */
export async function startFromZero(gateway: Gateway, pods: PodsWatch, target: Target, round: number, quiet: Quiet): Promise<Start> {
  const kubelet = follow(join(stateFolder(), 'log/kubelet.log'));
  const containerd = follow(join(stateFolder(), 'log/containerd.log'));
  const first = await gateway.ask(target.request());
  const second = await gateway.ask(target.request());
  await sleep(logLagMs);
  const [pod] = pods.of(target.service).sort((a, b) => a.created - b.created);
  const folder = join(stateFolder(), 'pod-logs', `${functionsNamespace}_${pod?.name}_${pod?.uid}`, 'user-container/0.log');
  const own = existsSync(folder) ? readFileSync(folder, 'utf8') : '';
  const calls = [...own.matchAll(/"message":"(?:GET|POST) \/api\/.*"duration_ms":([\d.]+)/g)].map(([, ms]) => Number(ms));
  const wrong = [first, second].map((told) =>
    told.status === 200 ? target.wrong(told.body) : `${told.status} ${told.body.slice(0, 200)}`,
  );
  const common = {
    service: target.service,
    round,
    at: new Date(first.asked).toISOString(),
    status: first.status,
    wrong: wrong[0] ?? wrong[1],
    totalMs: round1(first.answered - first.asked),
    callMs: calls[0],
    secondCallMs: calls[1],
    quiet,
  };
  if (pod === undefined) throw new Error(`the watch has seen no pod of ${target.service}`);
  const moments: Moments = {
    asked: first.asked,
    created: pod.created,
    ...readMoments(pod.name, { kubelet: kubelet(), containerd: containerd(), function: own }),
    answered: first.answered,
  };
  const phases = Object.fromEntries(Object.entries(phasesOf(moments)).map(([name, ms]) => [name, round1(ms)])) as unknown as Phases;
  return { ...common, phases, processMs: round1(moments.listening - moments.functionStarted) };
}

const round1 = (ms: number): number => Math.round(ms * 10) / 10;
