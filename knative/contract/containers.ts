import { rpcs } from '../../proto/generated/rpcs.ts';
import type { Kubectl } from '../../scripts/deploy/kubectl.ts';
import { dataNamespace, edgeNamespace } from '../../scripts/deploy/secrets.ts';
import { run } from '../../scripts/tools/install.ts';
import { ctr } from '../cluster/load-image.ts';
import type { Manifest } from '../manifests/render.ts';
import { functionsNamespace } from '../manifests/service.ts';

/** Everything of ours is in these. */
export const namespaces = [functionsNamespace, dataNamespace, edgeNamespace] as const;

/** A container that runs, with its first process as this machine sees it. */
export interface RunningContainer {
  readonly namespace: string;
  readonly pod: string;
  /** "user-container", "queue-proxy", "caddy" … */
  readonly name: string;
  readonly pid: number;
}

/** Pods that run and aren't about to end. */
export async function runningPods(kubectl: Kubectl): Promise<Manifest[]> {
  const pods = await Promise.all(namespaces.map((namespace) => kubectl.list('pod', namespace)));
  return pods.flat().filter(({ metadata, status }) => status.phase === 'Running' && !('deletionTimestamp' in metadata));
}

/** The containers of pods, as far as they run on this machine: containerd knows their processes. */
export async function runningContainers(pods: readonly Manifest[]): Promise<RunningContainer[]> {
  const table = await run([...ctr, 'tasks', 'ls'], 'npm run cluster -- up');
  const pids = new Map(
    table
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map(([id = '', pid]) => [id, Number(pid)]),
  );
  return pods.flatMap(({ metadata, status }) =>
    (status.containerStatuses ?? []).flatMap(({ name, containerID }: { name: string; containerID?: string }) => {
      const pid = pids.get(containerID?.replace('containerd://', '') ?? '');
      return pid === undefined ? [] : [{ namespace: metadata.namespace ?? '', pod: metadata.name, name, pid }];
    }),
  );
}

/** The Knative Services that should run: one for each rpc. */
export const functionNames = rpcs.map(({ functionName }) => functionName);
