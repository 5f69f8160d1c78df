import type { PodsSample } from './pods.ts';
import type { Dialect, Kind } from './requests.ts';

/** One request as it went. Milliseconds; `due` from the beginning of the run. */
export interface Sample {
  readonly functionName: string;
  readonly kind: Kind;
  readonly dialect: Dialect;
  /** When it should have been sent. Every latency counts from here: a user who has to wait for the sender waits too. */
  readonly due: number;
  /** How long after that it was sent. */
  readonly lateMs: number;
  /** From when it was due to the end of the answer. */
  readonly latencyMs: number;
  /** HTTP status, 0 where no answer came. */
  readonly status: number;
  /** What was wrong, where something was. */
  readonly reason: string | undefined;
}

/** Milliseconds, each percentile the nearest rank: a latency that a request had. */
export interface Latencies {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What happened in one second. Requests count in the second in which they were due. */
export interface Second {
  /** From the beginning of the run. */
  readonly at: number;
  /** Of the schedule: requests a second. */
  readonly planned: number;
  readonly sent: number;
  readonly failed: number;
  readonly late: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** How many requests had a latency in each row of `rows`. */
  readonly heat: readonly number[];
}

export interface PodsPoint {
  /** Seconds from the beginning of the run. */
  readonly at: number;
  readonly desired: number;
  readonly ready: number;
}

/** A function that went from no ready pod to one. */
export interface ColdStart {
  readonly functionName: string;
  /** Seconds from the beginning: when a pod was wanted, and when one was ready. */
  readonly wantedAt: number | undefined;
  readonly readyAt: number;
  /** The first request that it had to wait for. */
  readonly firstRequest: { readonly at: number; readonly latencyMs: number } | undefined;
}

export interface Scaling {
  readonly functionName: string;
  readonly points: readonly PodsPoint[];
  readonly readyMax: number;
  /** How often the wanted number turned from rising to falling or back. Up and down again is one turn. */
  readonly turns: number;
  /** Turns from falling back to rising: pods that were taken away and then wanted again. */
  readonly flaps: number;
}

/** Something that happened beside the load. */
export interface Mark {
  /** Seconds from the beginning. */
  readonly at: number;
  readonly says: string;
}

export interface Failure {
  readonly at: number;
  readonly functionName: string;
  readonly kind: Kind;
  readonly dialect: Dialect;
  readonly status: number;
  readonly reason: string;
  readonly latencyMs: number;
}

/** A request that begins more than this after its time is late. */
export const lateAfterMs = 50;
/** Every failed request is listed, up to so many. */
const failuresMax = 1000;
const pointsMax = 10_000;

/** The value of nearest rank. @param sorted ascending @param share 0.95 for the 95th percentile @returns 0 where there is none */
export const percentile = (sorted: readonly number[] | Float64Array, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;

export function latenciesOf(values: readonly number[]): Latencies {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => round(percentile(sorted, share));
  const mean = values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  return { count: values.length, mean: round(mean), p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: at(1) };
}

/** Lower bounds of the rows of a heat map and of histograms, in ms: from 0.5 ms on, three for each doubling. The last has no upper one. */
export const rows: readonly number[] = [0, ...Array.from({ length: 49 }, (_, index) => round(0.5 * 2 ** (index / 3)))];

export const rowOf = (latencyMs: number): number =>
  latencyMs < 0.5 ? 0 : Math.min(rows.length - 1, 1 + Math.floor(Math.log2(latencyMs / 0.5) * 3 + 1e-9));

export function histogramOf(latencies: readonly number[]): number[] {
  const counts = rows.map(() => 0);
  for (const latency of latencies) counts[rowOf(latency)] = (counts[rowOf(latency)] ?? 0) + 1;
  return counts;
}

/** @param until seconds, the last one included @param planned the rate that was asked for at a time */
export function secondsOf(samples: readonly Sample[], until: number, planned: (at: number) => number): Second[] {
  const bySecond: Sample[][] = Array.from({ length: Math.ceil(until) }, () => []);
  for (const sample of samples) bySecond[Math.min(bySecond.length - 1, Math.floor(sample.due / 1000))]?.push(sample);
  return bySecond.map((all, at) => {
    const { p50, p95, p99, max } = latenciesOf(all.map(({ latencyMs }) => latencyMs));
    return {
      at,
      planned: round(planned(at + 0.5)),
      sent: all.length,
      failed: all.filter(({ reason }) => reason !== undefined).length,
      late: all.filter(({ lateMs }) => lateMs > lateAfterMs).length,
      p50,
      p95,
      p99,
      max,
      heat: histogramOf(all.map(({ latencyMs }) => latencyMs)),
    };
  });
}

/** What each function's pods did. @param began milliseconds since 1970 */
export function scalingOf(pods: readonly PodsSample[], began: number): Scaling[] {
  const names = [...new Set(pods.map(({ functionName }) => functionName))].sort();
  return names.map((functionName) => {
    const own = pods.filter((sample) => sample.functionName === functionName);
    // Of what was before the beginning, only how it was then.
    const first = Math.max(
      0,
      own.findLastIndex(({ at }) => at <= began),
    );
    const points = own.slice(first).map(({ at, desired, ready }) => ({ at: Math.max(0, round((at - began) / 1000)), desired, ready }));
    return {
      functionName,
      points,
      readyMax: Math.max(...points.map(({ ready }) => ready)),
      ...turnsOf(points.map(({ desired }) => desired)),
    };
  });
}

/** Counts how often a series changes its direction, and how often from down to up. */
export function turnsOf(series: readonly number[]): { turns: number; flaps: number } {
  const directions = series.slice(1).flatMap((value, index) => Math.sign(value - (series[index] as number)) || []);
  const turned = directions.slice(1).filter((direction, index) => direction !== directions[index]);
  return { turns: turned.length, flaps: turned.filter((direction) => direction > 0).length };
}

/** Every time that a function's pods came from zero, with the first request that waited for it. */
export function coldStartsOf(scaling: readonly Scaling[], samples: readonly Sample[]): ColdStart[] {
  return scaling
    .flatMap(({ functionName, points }) => {
      const own = samples.filter((sample) => sample.functionName === functionName);
      return points.flatMap((point, index): ColdStart[] => {
        const before = points[index - 1];
        if (before === undefined || before.ready > 0 || point.ready === 0) return [];
        // Since its last pod went, or since we looked.
        const empty = points.slice(0, index).findLastIndex(({ ready }) => ready > 0) + 1;
        const since = points[empty]?.at ?? 0;
        const wantedAt = points.slice(empty, index).find(({ desired }) => desired > 0)?.at;
        // The answer came after there was a pod; the watch may tell of it a moment later than it served.
        const waited = own
          .filter(({ due, latencyMs }) => due / 1000 >= since && due / 1000 <= point.at && (due + latencyMs) / 1000 >= (wantedAt ?? since))
          .reduce<Sample | undefined>((first, sample) => (first === undefined || sample.due < first.due ? sample : first), undefined);
        const firstRequest = waited && { at: round(waited.due / 1000), latencyMs: round(waited.latencyMs) };
        return [{ functionName, wantedAt, readyAt: point.at, firstRequest }];
      });
    })
    .sort((a, b) => a.readyAt - b.readyAt);
}

/** The figures of a run: what the JSON holds, and what the page is drawn from. */
export interface Figures {
  readonly scenario: string;
  readonly target: string;
  /** ISO 8601 */
  readonly began: string;
  /** The whole run, the watching afterwards included. */
  readonly seconds: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly interrupted: boolean;
  /** Exit code of a rollout's command, or the signal that ended it. */
  readonly commandEnded: number | string;
  readonly totals: {
    readonly planned: number;
    readonly sent: number;
    readonly failed: number;
    /** Began more than lateAfterMs after their time. */
    readonly late: number;
    /** Could not begin within a second of their time, and were not sent. */
    readonly dropped: number;
    /** Sent, and no answer seen before the end (only where the run was interrupted). */
    readonly unanswered: number;
    /** Requests a second while requests were due. */
    readonly rate: number;
  };
  readonly latency: Latencies;
  readonly functions: readonly {
    readonly functionName: string;
    readonly sent: number;
    readonly failed: number;
    readonly grpc: number;
    readonly latency: Latencies;
    readonly histogram: readonly number[];
  }[];
  /** Each request, in ms: when it was due, its latency, 1 where it failed. Empty where there are more than pointsMax. */
  readonly points: readonly (readonly [due: number, latency: number, failed: number])[];
  /** Lower bounds in ms for `heat` and `histogram`. */
  readonly rows: readonly number[];
  readonly perSecond: readonly Second[];
  readonly pods: readonly Scaling[];
  readonly coldStarts: readonly ColdStart[];
  readonly marks: readonly Mark[];
  readonly reasons: readonly { readonly reason: string; readonly functionName: string; readonly count: number }[];
  readonly failures: readonly Failure[];
  readonly failuresLeftOut: number;
}

export interface Run {
  readonly scenario: string;
  readonly target: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly interrupted: boolean;
  /** Exit code of a rollout's command, or the signal that ended it. */
  readonly commandEnded: number | string;
  /** Milliseconds since 1970. */
  readonly began: number;
  readonly ended: number;
  readonly samples: readonly Sample[];
  readonly pods: readonly PodsSample[];
  readonly marks: readonly Mark[];
  readonly planned: number;
  readonly sent: number;
  readonly dropped: number;
  /** The rate that was asked for, at seconds from the beginning. */
  readonly plannedRate: (at: number) => number;
}

/** Computes the figures of what was seen. */
export function figuresOf(run: Run): Figures {
  const { samples } = run;
  const seconds = Math.max(1, (run.ended - run.began) / 1000);
  const failed = samples.filter(({ reason }) => reason !== undefined);
  const pods = scalingOf(run.pods, run.began);
  const dues = samples.map(({ due }) => due);
  const span = dues.length < 2 ? 1 : Math.max(1, (dues.reduce((a, b) => Math.max(a, b)) - dues.reduce((a, b) => Math.min(a, b))) / 1000);
  const names = [...new Set(samples.map(({ functionName }) => functionName))].sort();
  return {
    scenario: run.scenario,
    target: run.target,
    began: new Date(run.began).toISOString(),
    seconds: round(seconds),
    settings: run.settings,
    machine: run.machine,
    interrupted: run.interrupted,
    commandEnded: run.commandEnded,
    totals: {
      planned: run.planned,
      sent: run.sent,
      failed: failed.length,
      late: samples.filter(({ lateMs }) => lateMs > lateAfterMs).length,
      dropped: run.dropped,
      unanswered: Math.max(0, run.sent - samples.length),
      rate: round(samples.length / span),
    },
    latency: latenciesOf(samples.map(({ latencyMs }) => latencyMs)),
    functions: names.map((functionName) => {
      const own = samples.filter((sample) => sample.functionName === functionName);
      const latencies = own.map(({ latencyMs }) => latencyMs);
      return {
        functionName,
        sent: own.length,
        failed: own.filter(({ reason }) => reason !== undefined).length,
        grpc: own.filter(({ dialect }) => dialect === 'grpc').length,
        latency: latenciesOf(latencies),
        histogram: histogramOf(latencies),
      };
    }),
    points:
      samples.length > pointsMax
        ? []
        : samples.map(({ due, latencyMs, reason }) => [round(due), round(latencyMs), reason === undefined ? 0 : 1] as const),
    rows,
    perSecond: secondsOf(samples, seconds, run.plannedRate),
    pods,
    coldStarts: coldStartsOf(pods, samples),
    marks: run.marks,
    reasons: reasonsOf(failed),
    failures: failed.slice(0, failuresMax).map(({ due, functionName, kind, dialect, status, reason, latencyMs }) => ({
      at: round(due / 1000),
      functionName,
      kind,
      dialect,
      status,
      reason: reason as string,
      latencyMs: round(latencyMs),
    })),
    failuresLeftOut: Math.max(0, failed.length - failuresMax),
  };
}

function reasonsOf(failed: readonly Sample[]): Figures['reasons'] {
  const groups = Map.groupBy(failed, ({ functionName, reason }) => `${functionName}\n${reason}`);
  return [...groups.values()]
    .map((group) => ({ reason: group[0]?.reason ?? '', functionName: group[0]?.functionName ?? '', count: group.length }))
    .sort((a, b) => b.count - a.count);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
