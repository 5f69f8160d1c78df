import { kubectlLocal } from './control-plane.ts';
import { assertUp, runningPid } from './daemon.ts';
import { type Footprint, footprint } from './footprint.ts';
import { clusterImages } from './images.ts';
import { progress } from './progress.ts';
import { missingTools } from './tools.ts';

export const partNames = [
  'containerd',
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
] as const;

/** What the local cluster is and holds, as `status -o json` prints it. */
export interface ClusterStatus {
  /** Part → pid, null where it doesn't run. */
  readonly parts: Readonly<Record<string, number | null>>;
  readonly nodes: readonly { readonly name: string; readonly ready: boolean; readonly version: string }[];
  readonly pods: readonly { readonly namespace: string; readonly name: string; readonly phase: string; readonly ready: boolean }[];
  /** Knative services of every namespace. `revision` is the latest that is ready, null where there is none. */
  readonly functions: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly revision: string | null;
    readonly ready: boolean;
    /** Why it isn't, in Knative's words. */
    readonly message: string | null;
  }[];
  /** Images that the cluster brings for tests: name → reference. */
  readonly images: Readonly<Record<string, string>>;
  readonly footprint: Footprint;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}
interface Item {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly nodeInfo?: { readonly kubeletVersion: string };
    readonly latestReadyRevisionName?: string;
  };
}

const isReady = ({ status }: Item): boolean => status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';

/** @throws Remedy where the local cluster doesn't answer */
export async function clusterStatus(): Promise<ClusterStatus> {
  assertUp();
  const items = async (...what: string[]): Promise<Item[]> => JSON.parse(await kubectlLocal('get', ...what, '-o', 'json')).items;
  const [nodes, pods, services] = await Promise.all([items('nodes'), items('pods', '-A'), items('ksvc', '-A').catch(() => [])]);
  // A newer checkout's programs may not be built yet; to build them is not what one asks here.
  const images = missingTools() === 0 ? await clusterImages(progress()) : [];
  const helloworld = images.filter(({ name }) => name === 'helloworld');
  return {
    parts: Object.fromEntries(partNames.map((name) => [name, runningPid(name) ?? null])),
    nodes: nodes.map((item) => ({
      name: item.metadata.name,
      ready: isReady(item),
      version: item.status?.nodeInfo?.kubeletVersion ?? '',
    })),
    pods: pods.map((item) => ({ ...namesOf(item), phase: item.status?.phase ?? 'Unknown', ready: isReady(item) })),
    functions: services.map((item) => ({
      ...namesOf(item),
      revision: item.status?.latestReadyRevisionName ?? null,
      ready: isReady(item),
      message: item.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? null,
    })),
    images: Object.fromEntries(helloworld.map(({ name, reference }) => [name, reference])),
    footprint: footprint(),
  };
}

const namesOf = ({ metadata: { namespace, name } }: Item) => ({ namespace, name });

/** For people: what isn't as it should be stands out, the rest is counted. */
export function statusText({ parts, nodes, pods, functions, footprint }: ClusterStatus): string {
  const missing = Object.entries(parts).filter(([, pid]) => pid === null);
  const lines = nodes.map(({ name, ready, version }) => `node ${name}  ${ready ? 'Ready' : 'not ready'}  Kubernetes ${version}`);
  for (const [name] of missing) lines.push(`${name} does not run: npm run cluster -- up starts it again`);
  lines.push('', ...table(['NAMESPACE', 'POD', 'STATE'], pods.map(podRow)));
  if (functions.length > 0) lines.push('', ...table(['FUNCTION', 'REVISION', 'STATE'], functions.map(functionRow)));
  else lines.push('', 'No functions yet: npm run deploy');
  const { controlPlaneMb, podsMb, totalMb } = footprint;
  lines.push('', `resident: ${totalMb} MB (control plane and node ${controlPlaneMb}, pods ${podsMb})`);
  return `${lines.join('\n')}\n`;
}

const podRow = ({ namespace, name, phase, ready }: ClusterStatus['pods'][number]): string[] => [
  namespace,
  name,
  ready || phase === 'Succeeded' ? phase : `${phase}, not ready`,
];

const functionRow = ({ namespace, name, revision, ready, message }: ClusterStatus['functions'][number]): string[] => [
  `${namespace}/${name}`,
  revision ?? '–',
  ready ? 'Ready' : `not ready: ${message ?? 'no reason given yet'}`,
];

function table(...[head, rows]: [head: string[], rows: string[][]]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
