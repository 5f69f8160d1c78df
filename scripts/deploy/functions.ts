import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../knative/manifests/render.ts';
import { functionsNamespace } from '../../knative/manifests/service.ts';
import { Remedy } from '../tools/install.ts';
import type { Kubectl } from './kubectl.ts';
import type { Revision, ServiceState } from './traffic.ts';

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
}

const conditionOf = (manifest: Manifest, type: string): Condition | undefined =>
  ((manifest.status?.conditions ?? []) as Condition[]).find((condition) => condition.type === type);

const stateOf = (manifest: Manifest): ServiceState => ({
  name: manifest.metadata.name,
  traffic: manifest.spec?.traffic ?? [],
  latestCreated: manifest.status?.latestCreatedRevisionName,
  latestReady: manifest.status?.latestReadyRevisionName,
});

/** Every function that the cluster has, by name. */
export async function serviceStates(kubectl: Kubectl): Promise<Map<string, ServiceState>> {
  const services = await kubectl.list('ksvc', functionsNamespace, 'app.kubernetes.io/part-of=record-platform');
  return new Map(services.map((service) => [service.metadata.name, stateOf(service)]));
}

/** A function's revisions that Knative still has. */
export async function revisionsOf(kubectl: Kubectl, name: string): Promise<Revision[]> {
  const revisions = await kubectl.list('revision', functionsNamespace, `serving.knative.dev/service=${name}`);
  return revisions.map((revision) => ({
    name: revision.metadata.name,
    generation: Number(revision.metadata.labels?.['serving.knative.dev/configurationGeneration'] ?? 0),
    // At zero instances it isn't active, and still good.
    usable: conditionOf(revision, 'Ready')?.status === 'True',
  }));
}

/** kn's note of what it applied; kubectl writes the same one when it applies by itself. */
const note = 'kubectl.kubernetes.io/last-applied-configuration';
/** Knative writes these, and refuses a request that takes them away. */
const knativesOwn = ['serving.knative.dev/creator', 'serving.knative.dev/lastModifier'];

/**
 * Applies functions, whoever applied them before. Where kn did, `kubectl apply --server-side` first takes over everything that kn had:
 * Knative's own annotations too, which it then takes away, since no file has them. So kn's note goes first, by which kubectl knows;
 * and where kubectl was quicker by hand, the annotations get another owner. A dry run may change neither: it sends them along.
 * @returns a line for each
 */
export async function applyServices(kubectl: Kubectl, services: readonly Manifest[], { dryRun = false } = {}): Promise<string[]> {
  const present = new Map((await kubectl.list('ksvc', functionsNamespace)).map((each) => [each.metadata.name, each]));
  const known = services.flatMap(({ metadata }) => present.get(metadata.name) ?? []);
  const own = ({ metadata }: Manifest) =>
    Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => knativesOwn.includes(key)));
  if (dryRun) {
    const sent = services.map((service) => {
      const live = present.get(service.metadata.name);
      return live ? { ...service, metadata: { ...service.metadata, annotations: own(live) } } : service;
    });
    return kubectl.apply(sent, { dryRun });
  }
  const noted = known.filter(({ metadata }) => metadata.annotations?.[note] !== undefined).map(({ metadata }) => metadata.name);
  if (noted.length > 0) await kubectl.run(['-n', functionsNamespace, 'annotate', 'ksvc', ...noted, `${note}-`]);
  const kept = known.map((service) => {
    const { apiVersion, kind, metadata } = service;
    return { apiVersion, kind, metadata: { name: metadata.name, namespace: functionsNamespace, annotations: own(service) } };
  });
  await kubectl.apply(kept, { manager: 'record-platform-annotations' });
  return kubectl.apply(services);
}

/** A fault may mend itself (a database that comes late): a function is given up when it has had one for that long. */
export const patienceMs = 15_000;

/**
 * Waits until each function's newest revision is ready and its route says so.
 * @param onReady told of each, with its revision
 * @throws Remedy naming those that aren't, with what Knative or the node says of them
 */
export async function waitReady(
  kubectl: Kubectl,
  names: readonly string[],
  { timeoutMs, onReady }: { timeoutMs: number; onReady: (state: ServiceState, left: number) => void },
): Promise<Map<string, ServiceState>> {
  const waiting = new Set(names);
  const ready = new Map<string, ServiceState>();
  const faultySince = new Map<string, number>();
  for (const end = performance.now() + timeoutMs; ; await sleep(500)) {
    const services = (await kubectl.list('ksvc', functionsNamespace)).filter(({ metadata }) => waiting.has(metadata.name));
    for (const service of services.filter(isReady)) {
      const state = stateOf(service);
      waiting.delete(state.name);
      ready.set(state.name, state);
      onReady(state, waiting.size);
    }
    if (waiting.size === 0) return ready;
    const now = performance.now();
    const faults = await faultsOf(kubectl, services);
    for (const name of waiting) {
      if (!faults.has(name)) faultySince.delete(name);
      else if (!faultySince.has(name)) faultySince.set(name, now);
    }
    if (now > end || [...faultySince.values()].some((since) => now - since > patienceMs)) throw notReady(waiting, faults);
  }
}

function isReady(service: Manifest): boolean {
  const { latestCreated, latestReady } = stateOf(service);
  const current = service.status?.observedGeneration === service.metadata.generation;
  return current && conditionOf(service, 'Ready')?.status === 'True' && latestCreated === latestReady;
}

/**
 * What keeps functions from being ready. Knative says that an image can't be had only when its deadline of 10 minutes is over; the pods
 * say it at once.
 * @returns name → what is wrong
 */
async function faultsOf(kubectl: Kubectl, services: readonly Manifest[]): Promise<Map<string, string>> {
  const faults = new Map<string, string>();
  const pods = await kubectl.list('pod', functionsNamespace, 'serving.knative.dev/service');
  for (const service of services.filter((each) => !isReady(each))) {
    const { name, latestCreated } = stateOf(service);
    const said = conditionOf(service, 'ConfigurationsReady') ?? conditionOf(service, 'Ready');
    if (said?.status === 'False') faults.set(name, said.message ?? said.reason ?? 'Knative gives no reason');
    const own = pods.filter(({ metadata }) => metadata.labels?.['serving.knative.dev/revision'] === latestCreated);
    const stuck = stuckReason(own);
    if (stuck !== undefined) faults.set(name, stuck);
  }
  return faults;
}

/** What keeps pods from starting, in the node's words ("ErrImageNeverPull: …"); undefined where they start. */
export function stuckReason(pods: readonly Manifest[]): string | undefined {
  const states: { waiting?: { reason: string; message?: string } }[] = pods.flatMap(({ status }) =>
    (status?.containerStatuses ?? []).map(({ state }: { state: object }) => state),
  );
  const stuck = states.find(({ waiting }) => waiting !== undefined && !/^(ContainerCreating|PodInitializing)$/.test(waiting.reason));
  return stuck?.waiting && `${stuck.waiting.reason}: ${stuck.waiting.message ?? ''}`;
}

function notReady(waiting: ReadonlySet<string>, faults: ReadonlyMap<string, string>): Remedy {
  const lines = [...waiting].map(
    (name) => `${name} is not ready: ${faults.get(name) ?? 'it is still starting (--timeout SECONDS gives it longer)'}`,
  );
  const image = [...faults.values()].some((fault) => /Image/.test(fault))
    ? ['An image is missing there: npm run deploy loads it (or --push REGISTRY).']
    : [];
  return new Remedy(
    [...lines, ...image, `See: kubectl -n ${functionsNamespace} describe revision; npm run cluster -- logs NAME`].join('\n'),
  );
}
