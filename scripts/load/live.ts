import { percentile, type Sample } from './figures.ts';
import type { Pods } from './pods.ts';
import type { Progress } from './run.ts';

/** What the last seconds looked like. */
interface Recent {
  /** Answers a second. */
  readonly rate: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly failed: number;
}

const windowSeconds = 5;
/** Between two lines where there is no terminal. */
const lineEverySeconds = 5;
const frameMs = 250;
const bars = ' ▁▂▃▄▅▆▇█';
const sparkSeconds = 60;

/**
 * Shows how a run goes: on a terminal a picture that is drawn anew four times a second, elsewhere a line every few seconds.
 * @returns what ends it
 */
export function showLive(title: string, progress: () => Progress, output: NodeJS.WriteStream): () => void {
  if (!output.isTTY) {
    const timer = setInterval(() => output.write(`${lineOf(progress())}\n`), lineEverySeconds * 1000);
    return () => clearInterval(timer);
  }
  let drawn = 0;
  const draw = (): void => {
    const lines = pictureOf(title, progress(), output.columns || 100).map((line) => `${line}\x1b[K`);
    // Up to where the last one began; what is longer than a line is cut rather than wrapped.
    output.write(`${drawn > 0 ? `\x1b[${drawn}F` : ''}\x1b[?7l${lines.join('\n')}\n\x1b[J\x1b[?7h`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, frameMs);
  return () => {
    clearInterval(timer);
    draw();
  };
}

/** Answers of the last seconds: they come in the order in which they ended, so that the oldest needn't be looked at. */
function recentOf(samples: readonly Sample[], now: number, functionName?: string): Recent {
  const latencies: number[] = [];
  let failed = 0;
  for (let index = samples.length - 1; index >= 0; index -= 1) {
    const sample = samples[index] as Sample;
    if (sample.due + sample.latencyMs < (now - windowSeconds) * 1000) break;
    if (functionName !== undefined && sample.functionName !== functionName) continue;
    latencies.push(sample.latencyMs);
    if (sample.reason !== undefined) failed += 1;
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => percentile(latencies, share);
  return { rate: latencies.length / Math.min(windowSeconds, Math.max(1, now)), p50: at(0.5), p95: at(0.95), p99: at(0.99), failed };
}

/** "12 ms", "1.24 s" */
export const duration = (ms: number): string =>
  ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;

const clock = (seconds: number): string =>
  `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** One line for a log. */
export function lineOf({ doing, seconds, samples, failed, late, plannedRate, dropped, pods, underWay }: Progress): string {
  const { rate, p50, p95, p99 } = recentOf(samples, seconds);
  const parts = [
    clock(seconds),
    doing,
    `${rate.toFixed(1)}/s of ${plannedRate.toFixed(1)}/s`,
    `p50 ${duration(p50)}  p95 ${duration(p95)}  p99 ${duration(p99)}`,
    `answered ${samples.length}  failed ${failed}  late ${late}  dropped ${dropped}  under way ${underWay}`,
  ];
  const shown = [...(pods ?? [])].filter(([, { desired, ready }]) => desired > 0 || ready > 0);
  if (pods !== undefined)
    parts.push(`pods ${shown.length === 0 ? 'none' : shown.map(([name, each]) => `${name} ${each.ready}/${each.desired}`).join(', ')}`);
  return parts.join(' | ');
}

const colour = (code: number, text: string): string => `\x1b[${code}m${text}\x1b[0m`;
const dim = (text: string): string => colour(2, text);
const bold = (text: string): string => colour(1, text);

/** The lines of the picture. */
export function pictureOf(title: string, progress: Progress, columns: number): string[] {
  const { doing, seconds, ofSeconds, samples, failed, late, plannedRate, dropped, pods, underWay } = progress;
  const { rate, p50, p95, p99 } = recentOf(samples, seconds);
  const alarm = (number: number, text: string): string => (number > 0 ? colour(31, text) : dim(text));
  const names = [...new Set([...progress.failedOf.keys(), ...busy(pods)])].sort();
  return [
    '',
    `${bold(title)}  ${clock(seconds)}${ofSeconds === undefined ? '' : ` of ${clock(ofSeconds)}  ${bar(seconds / ofSeconds, 24)}`}  ${dim(doing)}`,
    `${bold(rate.toFixed(1).padStart(7))}/s ${dim(`of ${plannedRate.toFixed(1)}/s`)}   p50 ${bold(duration(p50))}   p95 ${bold(duration(p95))}   p99 ${bold(duration(p99))}`,
    `${dim('answered')} ${samples.length}   ${alarm(failed, `failed ${failed}`)}   ${alarm(late, `late ${late}`)}   ${alarm(dropped, `dropped ${dropped}`)}   ${dim(`under way ${underWay}`)}`,
    `${dim('per second')} ${colour(34, spark(perSecond(samples, seconds), Math.min(sparkSeconds, columns - 14)))}`,
    '',
    dim(
      `${'function'.padEnd(26)}${'rate'.padStart(9)}${'p50'.padStart(11)}${'p95'.padStart(11)}${'failed'.padStart(8)}   ${pods === undefined ? '' : 'pods ready/wanted'}`,
    ),
    ...names.map((name) => functionLine(name, progress)),
  ];
}

const busy = (pods: ReadonlyMap<string, Pods> | undefined): string[] =>
  [...(pods ?? [])].filter(([, { desired, ready }]) => desired > 0 || ready > 0).map(([name]) => name);

function functionLine(name: string, { samples, seconds, pods, failedOf }: Progress): string {
  const { rate, p50, p95 } = recentOf(samples, seconds, name);
  const failed = failedOf.get(name) ?? 0;
  const figures = `${name.padEnd(26)}${`${rate.toFixed(1)}/s`.padStart(9)}${duration(p50).padStart(11)}${duration(p95).padStart(11)}`;
  const failures = String(failed).padStart(8);
  const own = pods?.get(name);
  const shown =
    own &&
    `${colour(32, '●'.repeat(own.ready))}${colour(33, '○'.repeat(Math.max(0, own.desired - own.ready)))} ${own.ready}/${own.desired}`;
  return `${figures}${failed > 0 ? colour(31, failures) : failures}   ${shown ?? ''}`;
}

const bar = (share: number, width: number): string => {
  const filled = Math.round(Math.min(1, share) * width);
  return `${colour(34, '━'.repeat(filled))}${dim('─'.repeat(width - filled))}`;
};

function perSecond(samples: readonly Sample[], now: number): number[] {
  const counts = Array.from({ length: sparkSeconds }, () => 0);
  for (let index = samples.length - 1; index >= 0; index -= 1) {
    const { due, latencyMs } = samples[index] as Sample;
    const ago = Math.floor(now - (due + latencyMs) / 1000);
    if (ago >= sparkSeconds) break;
    if (ago >= 0) counts[sparkSeconds - 1 - ago] = (counts[sparkSeconds - 1 - ago] ?? 0) + 1;
  }
  return counts;
}

/** A line of bars, the last values where there is no room for all. */
export function spark(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(1, ...shown);
  return shown.map((value) => bars[value === 0 ? 0 : Math.max(1, Math.round((value / most) * 8))]).join('');
}
