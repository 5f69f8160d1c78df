import { setTimeout as sleep } from 'node:timers/promises';
import { functionsNamespace } from '../../knative/manifests/service.ts';
import type { Kubectl } from './kubectl.ts';
import type { ServiceState, Target } from './traffic.ts';

/** What a revision without a pod takes at first. */
const firstPercent = 10;
/** Where nobody calls, no pod is wanted, and none need be waited for. */
const calledWithinMs = 3_000;
const readyWithinMs = 30_000;
const lookEveryMs = 250;

/** Who gets the most requests now. @returns undefined where that isn't known */
function leaderOf({ traffic, latestReady }: ServiceState): string | undefined {
  const [most] = [...traffic].sort((a, b) => (b.percent ?? 0) - (a.percent ?? 0));
  return most === undefined || most.latestRevision ? latestReady : most.revisionName;
}

/**
 * A traffic to be set before the wanted one, where that would lead everybody to a revision that has no pod: all who come while it starts
 * would then wait for it, and many pods start at once to serve them.
 * @returns the first step, and the revision that it starts; undefined where there is nothing to start
 */
export function startingStep(state: ServiceState, wanted: readonly Target[]): { starts: string; traffic: Target[] } | undefined {
  const leader = leaderOf(state);
  const [next] = wanted.filter(({ percent = 0 }) => percent > 50).map((target) => target.revisionName ?? state.latestReady);
  if (leader === undefined || next === undefined || next === leader) return undefined;
  return {
    starts: next,
    traffic: [
      { revisionName: leader, percent: 100 - firstPercent },
      { revisionName: next, percent: firstPercent },
    ],
  };
}

async function podsOf(kubectl: Kubectl, revision: string): Promise<{ wanted: number; ready: number }> {
  const deployment = await kubectl.get('deployment', `${revision}-deployment`, functionsNamespace);
  return { wanted: deployment?.spec?.replicas ?? 0, ready: deployment?.status?.readyReplicas ?? 0 };
}

export const hasReadyPod = async (kubectl: Kubectl, revision: string): Promise<boolean> => (await podsOf(kubectl, revision)).ready > 0;

/** Waits until a revision that is called has a ready pod; not long where nobody calls it, nor for ever where it doesn't start. */
export async function waitForPod(kubectl: Kubectl, revision: string): Promise<void> {
  const began = performance.now();
  for (let waited = 0; waited < readyWithinMs; waited = performance.now() - began) {
    const { wanted, ready } = await podsOf(kubectl, revision);
    if (ready > 0 || (wanted === 0 && waited > calledWithinMs)) return;
    await sleep(lookEveryMs);
  }
}
