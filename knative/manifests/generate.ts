import { stringify } from 'yaml';
import { upstreamVariable } from '../../caddy/routes.ts';
import type { Outputs } from '../../scripts/generate/outputs.ts';
import { assertCapacity, readCapacity } from './capacity.ts';
import { readFunctions } from './read-functions.ts';
import { functionsNamespace, labelsOf, renderService, serviceAccountName } from './service.ts';

const header = '# Generated from functions/*/*/function.ts by `npm run generate`. Do not edit.';

/** YAML as it is committed: no folded lines, so that a diff shows what changed. */
const document = (value: object): string => `${header}\n${stringify(value, { lineWidth: 0 })}`;

/**
 * Everything in knative/generated: functions/NAME.yaml, the packages' service accounts, and where the edge finds each function
 * (a ConfigMap whose name holds its digest, so that a change is a rollout).
 * @param pending generated files that aren't written yet
 * @throws Error where the functions at their largest don't fit into the database's connections
 */
export async function generateManifests(root: string, pending: Outputs = new Map()): Promise<Outputs> {
  const functions = await readFunctions(root, pending);
  assertCapacity(functions, readCapacity(root));
  const folder = 'knative/generated';
  const packages = [...new Set(functions.map((each) => each.package))].sort();
  const accounts = packages.map((name) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: serviceAccountName(name), namespace: functionsNamespace, labels: labelsOf(serviceAccountName(name), 'function') },
    automountServiceAccountToken: false,
  }));
  const files = new Map<string, string>([
    ...functions.map((each): [string, string] => [`${each.name}.yaml`, document(renderService(each))]),
    ['service-accounts.yaml', `${header}\n${accounts.map((account) => stringify(account)).join('---\n')}`],
  ]);
  return new Map([
    ...[...files].map(([name, content]): [string, string] => [`${folder}/functions/${name}`, content]),
    [`${folder}/functions/kustomization.yaml`, document(kustomization({ resources: [...files.keys()].sort() }))],
    [`${folder}/edge/upstreams.env`, upstreams(functions.map(({ name }) => name))],
    [
      `${folder}/edge/kustomization.yaml`,
      document(
        kustomization({ configMapGenerator: [{ name: 'edge-upstreams', namespace: 'record-platform-edge', envs: ['upstreams.env'] }] }),
      ),
    ],
  ]);
}

const kustomization = (content: object): object => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  ...content,
});

/** Knative makes each name a way to Kourier's inner gateway. A name for each function, because the edge counts requests by address. */
function upstreams(names: readonly string[]): string {
  const lines = names.map((name) => `${upstreamVariable(name)}=${name}.${functionsNamespace}.svc.cluster.local:80`);
  return `${header}\n${lines.join('\n')}\n`;
}
