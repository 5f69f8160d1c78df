import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the figures are from. */
export interface Machine {
  readonly cores: number;
  readonly model: string | undefined;
  readonly memoryGib: number;
  readonly node: string;
}

export const machine = (): Machine => ({
  cores: cpus().length,
  model: cpus()[0]?.model,
  memoryGib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
});

/** How busy the machine was: figures from a busy one are worth little, so each says this of itself. */
export interface Quiet {
  /** The kernel's, over the last minute. */
  readonly loadAverage: number;
  /** Share of the processors that was in use for the last two seconds before, 0 to 1. */
  readonly busy: number;
}

/** Below this share nobody else is working here: an idle Knative takes a sixth of two cores. */
const quietBelow = 0.4;
const lookMs = 2000;

/**
 * Waits until the machine is quiet, but not for ever: whatever comes first, it tells how busy it is.
 * @param seconds how long at most
 */
export async function untilQuiet(seconds: number): Promise<Quiet> {
  for (const until = performance.now() + seconds * 1000; ; ) {
    const busy = await busyShare(lookMs);
    if (busy < quietBelow || performance.now() > until) return { loadAverage: round(loadavg()[0] ?? 0), busy: round(busy) };
  }
}

/** Share of all processors' time that was not idle, over some milliseconds from now. */
export async function busyShare(ms: number): Promise<number> {
  const before = processorTimes();
  await sleep(ms);
  const after = processorTimes();
  return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
}

/** The kernel's sums, in ticks: proc_stat(5). What the hypervisor took away counts as busy. */
function processorTimes(): { idle: number; all: number } {
  const [, ...ticks] = (/^cpu .*/.exec(readFileSync('/proc/stat', 'utf8'))?.[0] ?? '').split(/\s+/).map(Number);
  // Guest time, at the end, is in user time already.
  const all = ticks.slice(0, 8).reduce((sum, each) => sum + each, 0);
  return { idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), all };
}

const round = (value: number): number => Math.round(value * 100) / 100;
