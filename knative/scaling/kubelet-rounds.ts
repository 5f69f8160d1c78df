import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from '../../scripts/deploy/kubectl.ts';
import { kubeletVerbosity } from '../cluster/control-plane.ts';
import { node, stateFolder } from '../cluster/state.ts';
import { follow } from './follow.ts';
import { klogTime } from './phases.ts';

/** At this one the kubelet logs each round in which it looks at its containers. */
const roundsVerbosity = 5;
/** Three rounds at least. */
const listenMs = 3_300;
const leadMs = 300;

/**
 * The kubelet looks at its containers once a second, and a pod that has started in between waits for the next round: half a second in the
 * mean, and between none and one by chance alone, which is more than the difference of two services. So starts are spread over the round evenly,
 * the same for each service, instead of by luck.
 */
export class KubeletRounds {
  readonly #kubectl: Kubectl;
  readonly #log = join(stateFolder(), 'log/kubelet.log');

  constructor(kubectl: Kubectl) {
    this.#kubectl = kubectl;
  }

  /**
   * Waits for a place in a round.
   * @param phase from 0 to 1
   */
  async untilPhase(phase: number): Promise<void> {
    const { last, period } = await this.#observe();
    const earliest = Date.now() + leadMs - last;
    const due = last + period * (Math.ceil(earliest / period - phase) + phase);
    await sleep(due - Date.now());
  }

  async #observe(): Promise<{ last: number; period: number }> {
    const since = follow(this.#log);
    await this.#verbosity(roundsVerbosity);
    try {
      await sleep(listenMs);
    } finally {
      await this.#verbosity(kubeletVerbosity);
    }
    const times = timesOfRounds(since(), new Date().getFullYear());
    const [first, last] = [times[0], times.at(-1)];
    if (first === undefined || last === undefined || times.length < 2) throw new Error("kubelet's log tells nothing of its rounds");
    return { last, period: (last - first) / (times.length - 1) };
  }

  async #verbosity(level: number): Promise<void> {
    await this.#kubectl.run(['replace', '--raw', `/api/v1/nodes/${node.name}/proxy/debug/flags/v`, '-f', '-'], String(level));
  }
}

/** @returns milliseconds since 1970 */
export const timesOfRounds = (log: string, year: number): number[] =>
  [...log.matchAll(/^I(\d\d)(\d\d) (\d+):(\d+):(\d+)\.(\d{3})\d* .*"GenericPLEG: Relisting"/gm)].map((found) => klogTime(found, year));
