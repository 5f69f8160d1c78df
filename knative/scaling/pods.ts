import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from '../../scripts/deploy/kubectl.ts';
import { kubeconfig } from '../cluster/state.ts';
import { functionsNamespace } from '../manifests/service.ts';

/** A pod, and when the watch first told of it: a few milliseconds after the API server knew. Kubernetes' own times are whole seconds. */
export interface SeenPod {
  readonly name: string;
  readonly service: string;
  readonly uid: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  leaving: boolean;
}

export interface PodsWatch {
  /** Those that are there now, the leaving ones included. */
  of(service: string): SeenPod[];
  stop(): void;
}

const template = String.raw`{.type} {.object.metadata.labels.serving\.knative\.dev/service} {.object.metadata.name} {.object.metadata.uid} {.object.metadata.deletionTimestamp}{"\n"}`;

/** Watches the functions' pods one by one. (The load's watch counts them.) Ends with `stop`, or with this process. */
export function watchPods({ program }: Kubectl): PodsWatch {
  const pods = new Map<string, SeenPod>();
  const args = ['-n', functionsNamespace, 'get', 'pods', '--watch', '--output-watch-events', '-o', `jsonpath=${template}`];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, KUBECONFIG: kubeconfig() } });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [type, service = '', name = '', uid = '', deletion] = line.split(' ');
    if (type === 'DELETED') pods.delete(name);
    else {
      const pod = pods.get(name) ?? { name, service, uid, created: Date.now(), leaving: false };
      pod.leaving = Boolean(deletion);
      pods.set(name, pod);
    }
  });
  return {
    of: (service) => [...pods.values()].filter((pod) => pod.service === service),
    stop: () => void child.kill('SIGTERM'),
  };
}

/**
 * Waits until services have no pod at all, so that the next request starts one. Those that have only their grace time left are taken away at
 * once: they would sleep for another half a minute, and end in the middle of a start that is measured.
 * @throws Error where one stays, naming it
 */
export async function untilGone(kubectl: Kubectl, pods: PodsWatch, services: readonly string[], seconds = 120): Promise<void> {
  const left = (): SeenPod[] => services.flatMap((service) => pods.of(service));
  for (const until = performance.now() + seconds * 1000; left().length > 0; await sleep(200)) {
    if (performance.now() > until) {
      const names = left().map(({ name, leaving }) => `${name}${leaving ? ' (leaving)' : ''}`);
      throw new Error(`still there after ${seconds} s: ${names.join(', ')}. Is somebody calling them?`);
    }
    const leaving = left().filter((pod) => pod.leaving);
    if (leaving.length > 0 && left().every((pod) => pod.leaving))
      await kubectl.run([
        ...['-n', functionsNamespace, 'delete', 'pod', '--grace-period=0', '--force', '--ignore-not-found', '--wait=false'],
        ...leaving.map(({ name }) => name),
      ]);
  }
}
