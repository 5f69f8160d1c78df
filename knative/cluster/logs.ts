import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Remedy } from '../../scripts/tools/install.ts';
import { kubectlLocal } from './control-plane.ts';
import { assertUp, logPath } from './daemon.ts';
import { localKubeconfig } from './state.ts';
import { partNames } from './status.ts';
import { kubectl } from './tools.ts';

/**
 * Prints what a part of the control plane, a function, a deployment or a pod has said, on stdout.
 * @param follow goes on until it is interrupted
 * @returns the exit code
 * @throws Remedy where there is nothing by that name
 */
export async function printLogs(name: string, follow: boolean): Promise<number> {
  if ((partNames as readonly string[]).includes(name)) {
    if (!existsSync(logPath(name))) throw new Remedy(`${name} has said nothing yet.\nIs the cluster up? npm run cluster -- up`);
    return run(['tail', '-n', '200', ...(follow ? ['-F'] : []), logPath(name)]);
  }
  assertUp();
  const target = await podsNamed(name);
  const flags = ['--all-containers', '--prefix', '--tail=200', '--ignore-errors', ...(follow ? ['-f', '--max-log-requests=50'] : [])];
  return run([await kubectl(), '--kubeconfig', localKubeconfig(), 'logs', ...target, ...flags]);
}

interface Pod {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

/** kubectl's arguments for the pods that are meant: a function's, a deployment's (label "app"), or one. */
async function podsNamed(name: string): Promise<string[]> {
  const { items } = JSON.parse(await kubectlLocal('get', 'pods', '-A', '-o', 'json')) as { items: Pod[] };
  for (const label of ['serving.knative.dev/service', 'app.kubernetes.io/name', 'app', 'k8s-app']) {
    const pod = items.find(({ metadata }) => metadata.labels?.[label] === name);
    if (pod) return ['-n', pod.metadata.namespace, '-l', `${label}=${name}`];
  }
  const pod = items.find(({ metadata }) => metadata.name === name) ?? items.find(({ metadata }) => metadata.name.startsWith(`${name}-`));
  if (pod) return ['-n', pod.metadata.namespace, pod.metadata.name];
  const others = [...new Set(items.map(({ metadata }) => metadata.labels?.['serving.knative.dev/service'] ?? metadata.name))];
  throw new Remedy(`Nothing named ${name} runs; a function at zero has no pod.\nThere are: ${[...partNames, ...others.sort()].join(', ')}`);
}

function run([program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit' });
  // Ctrl-C ends what follows the log; that is how it is meant to end.
  process.on('SIGINT', () => child.kill('SIGINT'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal === 'SIGINT' ? 0 : (code ?? 1)));
  });
}
