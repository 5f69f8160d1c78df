import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubeconfig } from '../../knative/cluster/state.ts';
import { kubectl } from '../../knative/cluster/tools.ts';

/** The pods of a function, of all its revisions together. */
export interface Pods {
  /** How many the autoscaler asks for. */
  readonly desired: number;
  readonly ready: number;
}

/** What was seen of the pods at a time. */
export interface PodsSample extends Pods {
  readonly functionName: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface PodsWatch {
  /** By function, as they are now. */
  readonly now: ReadonlyMap<string, Pods>;
  stop(): void;
}

export const namespace = 'record-platform';

/** One line for each change of a Deployment that belongs to a Knative service. */
const template = String.raw`{.metadata.labels.serving\.knative\.dev/service} {.metadata.name} {.spec.replicas} {.status.readyReplicas}{"\n"}`;

/** One line of the watch. @returns undefined where it is none, as kubectl's own words */
export function readLine(line: string): { functionName: string; deployment: string; desired: number; ready: number } | undefined {
  const found = /^(\S+) (\S+) (\d+) (\d*)$/.exec(line);
  if (found === null) return undefined;
  const [, functionName = '', deployment = '', desired, ready] = found;
  return { functionName, deployment, desired: Number(desired), ready: Number(ready || 0) };
}

/**
 * Watches the pods of every function, for as long as it is not stopped.
 * @param onChange told of each change, and at first of what is there
 * @returns undefined where there is no cluster to ask: without KUBECONFIG and without the local one
 */
export async function watchPods(onChange: (sample: PodsSample) => void): Promise<PodsWatch | undefined> {
  const program = await kubectlHere();
  if (program === undefined) return undefined;
  const deployments = new Map<string, { functionName: string; desired: number; ready: number }>();
  const now = new Map<string, Pods>();
  let child: ChildProcess | undefined;
  let stopped = false;
  const see = (line: string): void => {
    const seen = readLine(line);
    if (seen === undefined) return;
    const { functionName, deployment, desired, ready } = seen;
    deployments.set(deployment, { functionName, desired, ready });
    const all = [...deployments.values()].filter((each) => each.functionName === functionName);
    const pods = { desired: all.reduce((sum, each) => sum + each.desired, 0), ready: all.reduce((sum, each) => sum + each.ready, 0) };
    const before = now.get(functionName);
    if (before?.desired === pods.desired && before.ready === pods.ready) return;
    now.set(functionName, pods);
    onChange({ functionName, ...pods, at: Date.now() });
  };
  const ask = (...more: string[]): ChildProcess => {
    const command = [program, 'get', 'deployments', '-n', namespace, '-l', 'serving.knative.dev/service', ...more];
    // Should this process be killed, the kernel ends the watch too.
    if (existsSync('/usr/bin/setpriv')) command.unshift('/usr/bin/setpriv', '--pdeathsig=TERM', '--');
    const [first = '', ...args] = command;
    return spawn(first, args, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, KUBECONFIG: kubeconfig() }, detached: true });
  };
  const read = async (asked: ChildProcess): Promise<boolean> => {
    const ended = new Promise<boolean>((resolve) => {
      asked.once('error', () => resolve(false));
      asked.once('close', (code) => resolve(code === 0));
    });
    if (asked.stdout !== null) for await (const line of createInterface({ input: asked.stdout })) see(line);
    return ended;
  };
  const listTemplate = `{range .items[*]}${template}{end}`;
  // At first what is there, so that the caller knows it; then what changes. A watch ends now and then, and is made anew.
  if (!(await read(ask('--request-timeout=10s', '-o', `jsonpath=${listTemplate}`)))) return undefined;
  (async () => {
    while (!stopped) {
      child = ask('--watch', '-o', `jsonpath=${template}`);
      await read(child);
      if (!stopped) await sleep(1000);
    }
  })();
  return {
    now,
    stop: () => {
      stopped = true;
      child?.kill('SIGTERM');
    },
  };
}

/** Whether there is a cluster to ask, whether or not it answers. */
export const clusterIsNamed = (): boolean =>
  kubeconfig()
    .split(delimiter)
    .some((file) => existsSync(file));

/** kubectl of the PATH for a cluster that KUBECONFIG names; the local cluster brings its own. */
async function kubectlHere(): Promise<string | undefined> {
  if (!clusterIsNamed()) return undefined;
  const inPath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'kubectl'))
    .find((file) => existsSync(file));
  return (process.env.KUBECONFIG ? inPath : undefined) ?? (await kubectl());
}
