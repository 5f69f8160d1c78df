import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { podOf } from '../manifests/render.ts';
import { functionsNamespace } from '../manifests/service.ts';
import { readFile, type TestCluster } from '../manifests/testing/cluster.ts';

/** Those that the load calls. */
export const called = ['records-get-record', 'records-search-records', 'records-create-record', 'records-update-record'];

/** `npm run deploy -- …`. @returns what it printed @throws where it fails */
export async function deploy(cluster: TestCluster, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.deploy(...args);
  assert.equal(code, 0, `npm run deploy -- ${args.join(' ')}\n${stderr}`);
  return stdout;
}

/**
 * As if another commit were deployed: the same images with one variable more. The next `npm run deploy` takes it out, which is a new
 * revision for each.
 */
export async function anotherCommit(cluster: TestCluster, names: readonly string[]): Promise<void> {
  const manifests = names.map((name) => readFile(cluster.files().get(name) ?? ''));
  for (const manifest of manifests) podOf(manifest).containers[0].env.push({ name: 'COMMIT', value: String(Date.now()) });
  await cluster.kubectl.apply(manifests);
  const { waitReady } = await import('../../scripts/deploy/functions.ts');
  await waitReady(cluster.kubectl, names, { timeoutMs: 180_000, onReady: () => {} });
}

export interface Pod {
  readonly name: string;
  readonly revision: string;
  readonly ready: boolean;
  readonly ending: boolean;
  /** Of the function's own container, without "containerd://". */
  readonly containerId: string;
}

/** A function's pods, those that are ending too. */
export async function podsOf(cluster: TestCluster, name: string): Promise<Pod[]> {
  const pods = await cluster.kubectl.list('pod', functionsNamespace, `serving.knative.dev/service=${name}`);
  return pods.map(({ metadata, status }) => {
    const statuses: { name: string; containerID?: string }[] = status?.containerStatuses ?? [];
    const own = statuses.find(({ name }) => name !== 'queue-proxy');
    const conditions: { type: string; status: string }[] = status?.conditions ?? [];
    return {
      name: metadata.name,
      revision: metadata.labels?.['serving.knative.dev/revision'] ?? '',
      ready: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
      ending: 'deletionTimestamp' in metadata,
      containerId: own?.containerID?.replace(/^containerd:\/\//, '') ?? '',
    };
  });
}

/** Waits for a state of a function's pods. @throws where it doesn't come */
export async function untilPods(
  cluster: TestCluster,
  name: string,
  seconds: number,
  isIt: (pods: readonly Pod[]) => boolean,
): Promise<readonly Pod[]> {
  let pods: readonly Pod[] = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(250)) {
    pods = await podsOf(cluster, name);
    if (isIt(pods)) return pods;
  }
  return assert.fail(`${name} after ${seconds} s: ${JSON.stringify(pods)}`);
}

/** Deletes a function's pods, in order, and waits until another is ready. The old ones still take requests for half a minute. */
export async function replacePods(cluster: TestCluster, name: string): Promise<void> {
  const old = (await podsOf(cluster, name)).filter(({ ending }) => !ending).map((pod) => pod.name);
  if (old.length === 0) return;
  for (const pod of old) await cluster.kubectl.run(['-n', functionsNamespace, 'delete', 'pod', pod, '--wait=false']);
  await untilPods(cluster, name, 60, (pods) => pods.some((pod) => pod.ready && !old.includes(pod.name)));
}

/** How many requests each revision of a function has answered lately, by its pods' logs. @returns revision → requests */
export async function answeredBy(cluster: TestCluster, name: string, seconds: number): Promise<Map<string, number>> {
  const answered = new Map<string, number>();
  for (const { name: pod, revision } of await podsOf(cluster, name)) {
    const log = await cluster.kubectl
      .run(['-n', functionsNamespace, 'logs', pod, '-c', 'user-container', `--since=${seconds}s`])
      .catch(() => ''); // not started yet, or gone
    const lines = log.split('\n').filter((line) => line.includes('"code":"OK"') && !/"route":"\/(readyz|livez)"/.test(line));
    answered.set(revision, (answered.get(revision) ?? 0) + lines.length);
  }
  return answered;
}
