import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';
import { kubeconfig, localKubeconfig } from '../../knative/cluster/state.ts';
import { kubectl as builtKubectl } from '../../knative/cluster/tools.ts';
import type { Manifest } from '../../knative/manifests/render.ts';
import { Remedy } from '../tools/install.ts';

/** Who owns the fields that a deploy sets (server-side apply). */
const fieldManager = 'record-platform';
/** Who owns a function's traffic, which no file says anything of. */
const trafficManager = 'record-platform-traffic';

/** One cluster, by kubectl. */
export interface Kubectl {
  /** argv that kubectl is called by, for messages and for kustomize. */
  readonly program: string;
  /** Runs it. @returns stdout @throws Remedy with what it said */
  run(args: readonly string[], input?: string): Promise<string>;
  /** @returns the object, or undefined where there is none */
  get<T = Manifest>(kind: string, name: string, namespace?: string): Promise<T | undefined>;
  list<T = Manifest>(kind: string, namespace: string, selector?: string): Promise<T[]>;
  /** Server-side apply. @returns for each object what became of it: "created", "configured", "unchanged" is not told apart from "serverside-applied" */
  apply(manifests: readonly Manifest[], options?: { dryRun?: boolean; manager?: string }): Promise<string[]>;
  /** Sets a function's traffic. */
  setTraffic(name: string, namespace: string, traffic: readonly object[]): Promise<void>;
}

/** Whether it is the cluster of `npm run cluster`, on this machine. */
export const isLocalCluster = (): boolean => kubeconfig() === localKubeconfig();

/**
 * Finds kubectl (RECORD_PLATFORM_KUBECTL, else the one in PATH, else the local cluster's own) and asks the cluster whether it is there
 * and has Knative.
 * @throws Remedy
 */
export async function connect(): Promise<Kubectl> {
  if (isLocalCluster() && !existsSync(localKubeconfig()))
    throw new Remedy('There is no cluster here yet, and KUBECONFIG names none.\nnpm run cluster -- up, or KUBECONFIG=FILE npm run deploy');
  const program = process.env.RECORD_PLATFORM_KUBECTL || inPath('kubectl') || (await builtKubectl());
  const kubectl = kubectlOf(program);
  await kubectl.run(['get', '--raw', '/readyz', '--request-timeout=10s']);
  const serving = await kubectl.get('crd', 'services.serving.knative.dev');
  if (serving === undefined)
    throw new Remedy(
      'The cluster has no Knative Serving.\nInstall it with Kourier (knative.dev/docs/install), or use npm run cluster -- up',
    );
  return kubectl;
}

const inPath = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

export function kubectlOf(program: string): Kubectl {
  const run = async (args: readonly string[], input?: string): Promise<string> => {
    const { code, stdout, stderr } = await execute(program, args, input);
    if (code !== 0) throw explained(args, stderr);
    return stdout;
  };
  const where = (namespace: string | undefined) => (namespace === undefined ? [] : ['-n', namespace]);
  return {
    program,
    run,
    async get<T>(kind: string, name: string, namespace?: string) {
      const text = await run([...where(namespace), 'get', kind, name, '--ignore-not-found', '-o', 'json']);
      return text.trim() === '' ? undefined : (JSON.parse(text) as T);
    },
    async list<T>(kind: string, namespace: string, selector?: string) {
      const chosen = selector === undefined ? [] : ['-l', selector];
      return (JSON.parse(await run(['-n', namespace, 'get', kind, ...chosen, '-o', 'json'])) as { items: T[] }).items;
    },
    async apply(manifests, { dryRun = false, manager = fieldManager } = {}) {
      if (manifests.length === 0) return [];
      // The files are the truth: what somebody changed by hand is changed back.
      const args = ['apply', '--server-side', `--field-manager=${manager}`, '--force-conflicts', '-f', '-'];
      const text = manifests.map((manifest) => stringify(manifest)).join('---\n');
      return (await run([...args, ...(dryRun ? ['--dry-run=server'] : [])], text)).trim().split('\n');
    },
    async setTraffic(name, namespace, traffic) {
      const patch = JSON.stringify({ spec: { traffic } });
      await run(['-n', namespace, 'patch', 'ksvc', name, '--type=merge', `--field-manager=${trafficManager}`, '-p', patch]);
    },
  };
}

function execute(
  program: string,
  args: readonly string[],
  input: string | undefined,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, KUBECONFIG: kubeconfig() } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    // It may refuse before it has read everything; what it says is then the news.
    child.stdin.on('error', () => {}).end(input ?? '');
  });
}

/** kubectl's words, with what to do. */
function explained(args: readonly string[], stderr: string): Remedy {
  const said = stderr.trim().slice(0, 2000) || 'it said nothing';
  if (
    /connection refused|was refused|no such host|i\/o timeout|deadline exceeded|unable to connect|network is unreachable|EOF/i.test(said)
  ) {
    const remedy = isLocalCluster() ? 'npm run cluster -- up' : `Is it up, and is it the one that KUBECONFIG means (${kubeconfig()})?`;
    return new Remedy(`The cluster cannot be reached: ${said.split('\n').at(-1)}\n${remedy}`);
  }
  if (/forbidden|unauthorized/i.test(said))
    return new Remedy(`${said}\nThis account may not do that: deploy as one that may create namespaces and everything in them.`);
  return new Remedy(`kubectl ${args.slice(0, 4).join(' ')} … ${said}`);
}
