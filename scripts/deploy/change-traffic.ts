import type { Progress } from '../../knative/cluster/progress.ts';
import { functionsNamespace } from '../../knative/manifests/service.ts';
import { Remedy } from '../tools/install.ts';
import { revisionsOf, serviceStates, waitReady } from './functions.ts';
import type { Kubectl } from './kubectl.ts';
import { hasReadyPod, startingStep, waitForPod } from './start-revision.ts';
import { following, knTraffic, modeOf, pinned, rollbackTo, type ServiceState, type Target } from './traffic.ts';

/** A function whose traffic was set. */
export interface Changed {
  readonly name: string;
  /** Who gets the requests now. */
  readonly traffic: readonly Target[];
  /** The kn command that does the same. */
  readonly kn: string;
}

/** Functions in a canary, or those that are named. @throws Remedy where a named one isn't deployed, or there is no canary */
async function chosen(kubectl: Kubectl, names: readonly string[], what: string): Promise<ServiceState[]> {
  const states = await serviceStates(kubectl);
  const missing = names.filter((name) => !states.has(name));
  if (missing.length > 0) throw new Remedy(`${missing.join(', ')}: not deployed.\nnpm run deploy -- ${missing.join(' ')}`);
  if (names.length > 0) return names.map((name) => states.get(name) as ServiceState);
  const canaries = [...states.values()].filter((state) => modeOf(state).kind === 'canary');
  if (canaries.length === 0) throw new Remedy(`No function is in a canary.\nName what to ${what}: npm run deploy -- --${what} FUNCTION`);
  return canaries;
}

/** Sets one function's traffic and waits until its route has it. A revision without a pod is started by a part of the requests first. */
export async function setTraffic(
  kubectl: Kubectl,
  state: ServiceState,
  traffic: readonly Target[],
  { timeoutMs, dryRun }: { timeoutMs: number; dryRun: boolean },
): Promise<Changed> {
  const kn = knTraffic(functionsNamespace, state.name, traffic, modeOf(state));
  const set = async (targets: readonly Target[]): Promise<void> => {
    await kubectl.setTraffic(state.name, functionsNamespace, targets);
    await waitReady(kubectl, [state.name], { timeoutMs, onReady: () => {} });
  };
  if (!dryRun) {
    const first = startingStep(state, traffic);
    if (first !== undefined && !(await hasReadyPod(kubectl, first.starts))) {
      await set(first.traffic);
      await waitForPod(kubectl, first.starts);
    }
    await set(traffic);
  }
  return { name: state.name, traffic, kn };
}

interface How {
  readonly timeoutMs: number;
  readonly dryRun: boolean;
  readonly shown: Progress;
}

/** Ends canaries well: the newest revision gets everything, and later ones will, too. @throws Remedy */
export async function promote(kubectl: Kubectl, names: readonly string[], how: How): Promise<Changed[]> {
  const states = await chosen(kubectl, names, 'promote');
  for (const state of states) {
    const mode = modeOf(state);
    if (mode.kind === 'pinned')
      throw new Remedy(
        `${state.name} was rolled back to ${mode.revision}; nothing waits to be promoted.\nDeploy what is better: npm run deploy -- --unpin ${state.name}`,
      );
    if (mode.kind === 'follows') throw new Remedy(`${state.name} has no canary: ${state.latestReady} gets every request already.`);
    if (state.latestReady !== mode.canary)
      throw new Remedy(
        `${state.name}: the canary is ${mode.canary}, and the newest revision is ${state.latestReady}.\nnpm run deploy -- --canary ${mode.percent} ${state.name}`,
      );
  }
  return all(states, how, (state) => setTraffic(kubectl, state, following(), how));
}

/** Gives everything to the revision before, and keeps it there. @throws Remedy where there is none */
export async function rollBack(kubectl: Kubectl, names: readonly string[], how: How): Promise<Changed[]> {
  const states = await chosen(kubectl, names, 'rollback');
  const targets = new Map<string, string>();
  for (const state of states) {
    const target = rollbackTo(state, await revisionsOf(kubectl, state.name));
    if (target === undefined) throw new Remedy(`${state.name} has no revision before ${state.latestReady} that could take its requests.`);
    targets.set(state.name, target);
  }
  return all(states, how, (state) => setTraffic(kubectl, state, pinned(targets.get(state.name) as string), how));
}

async function all(states: readonly ServiceState[], { shown }: How, work: (state: ServiceState) => Promise<Changed>): Promise<Changed[]> {
  const changed: Changed[] = [];
  for (const state of states) changed.push(await shown.step(`traffic of ${state.name}`, () => work(state)));
  return changed;
}

/**
 * What must be known before new code is deployed: whether it would get requests at all.
 * @throws Remedy where it wouldn't, and nobody has said that this is meant
 */
export function assertTakesTraffic(
  states: readonly ServiceState[],
  { canary, unpin }: { canary: number | undefined; unpin: boolean },
): void {
  if (canary !== undefined || unpin) return;
  const held = states.flatMap((state): string[] => {
    const mode = modeOf(state);
    if (mode.kind === 'pinned') return [`${state.name} was rolled back to ${mode.revision}: a new revision would get no requests.`];
    if (mode.kind === 'canary') return [`${state.name} is in a canary (${mode.canary} gets ${mode.percent} %).`];
    return [];
  });
  if (held.length === 0) return;
  throw new Remedy(
    `${held.join('\n')}\nAfter a rollback: npm run deploy -- --unpin deploys and gives the new revision everything. ` +
      'In a canary: --promote or --rollback first, or --canary PERCENT again.',
  );
}
