import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Remedy } from '../../scripts/tools/install.ts';
import { kubectlLocal } from './control-plane.ts';
import type { ClusterImage } from './images.ts';
import type { Progress } from './progress.ts';
import { readJson, stateFolder } from './state.ts';
import { groupFolder } from './tools.ts';

/** Folders of config/, and the group's manifest that each changes: in the order in which they are applied. */
const parts = [
  { name: 'crds', group: 'serving' },
  { name: 'dns', group: undefined },
  { name: 'serving', group: 'serving', manifest: 'core' },
  { name: 'kourier', group: 'kourier' },
  { name: 'webhooks', group: 'serving' },
] as const;
type PartName = (typeof parts)[number]['name'];

const folderOf = (part: PartName): string => join(stateFolder(), 'manifests', part);
const appliedFile = (): string => join(stateFolder(), 'applied.json');

/**
 * Writes what is to be applied into <state>/manifests: the modules' own manifests with our images, beside the changes of config/.
 * @returns a digest of it all
 */
export async function renderManifests(images: readonly ClusterImage[]): Promise<string> {
  rmSync(join(stateFolder(), 'manifests'), { recursive: true, force: true });
  const digest = createHash('sha256');
  for (const part of parts) {
    const folder = folderOf(part.name);
    mkdirSync(folder, { recursive: true });
    cpSync(join(import.meta.dirname, 'config', part.name), folder, { recursive: true });
    if (part.group !== undefined) {
      const manifest = 'manifest' in part ? part.manifest : part.name;
      cpSync(join(await groupFolder(part.group), 'manifests', `${manifest}.yaml`), join(folder, 'upstream.yaml'));
    }
    for (const name of readdirSync(folder).sort()) {
      const text = withImages(readFileSync(join(folder, name), 'utf8'), images);
      writeFileSync(join(folder, name), text);
      digest.update(text);
    }
  }
  return digest.digest('hex');
}

/**
 * A manifest with the cluster's images in the place of those that upstream would build ("ko://PACKAGE") or pull (Envoy).
 * @throws Error where there is no such image
 */
export function withImages(text: string, images: readonly Pick<ClusterImage, 'name' | 'reference'>[]): string {
  const reference = (name: string): string => {
    const image = images.find((each) => each.name === name);
    if (image === undefined) throw new Error(`There is no image of ${name}`);
    return image.reference;
  };
  return text
    .replaceAll(/ko:\/\/[\w./-]+\/([\w-]+)/g, (_, name: string) => reference(name))
    .replaceAll(/docker\.io\/envoyproxy\/envoy:[\w.-]+/g, () => reference('envoy'));
}

/** Whether the manifests of this digest are applied and every deployment of theirs is available. */
export async function systemIsReady(digest: string): Promise<boolean> {
  if ((readJson(appliedFile()) as { digest?: string }).digest !== digest) return false;
  const { items } = JSON.parse(await kubectlLocal('get', 'deployments', '-A', '-o', 'json')) as {
    items: { metadata: { namespace: string }; status: { conditions?: { type: string; status: string }[] } }[];
  };
  return items
    .filter(({ metadata }) => systemNamespaces.includes(metadata.namespace))
    .every(({ status }) => status.conditions?.some(({ type, status: value }) => type === 'Available' && value === 'True'));
}

const systemNamespaces = ['kube-system', 'knative-serving', 'kourier-system'];

/** CoreDNS, Knative Serving and Kourier, applied and available. May be called again. @throws Remedy naming what isn't available in time */
export async function applySystem(digest: string, shown: Progress): Promise<void> {
  await shown.step('Knative: applying', async () => {
    await apply('crds');
    await kubectlLocal('wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s');
    for (const name of ['dns', 'serving', 'kourier'] as const) await apply(name);
  });
  await shown.step('Knative: waiting for its pods', async (note) => {
    for (const namespace of systemNamespaces) {
      note(namespace);
      await available(namespace);
    }
  });
  await shown.step('Knative: webhooks', async () => {
    // Last: before their pod answers, they would refuse everything.
    await apply('webhooks');
    await webhooksAreSigned();
  });
  writeFileSync(appliedFile(), JSON.stringify({ digest }));
}

const apply = (part: PartName): Promise<string> =>
  kubectlLocal('apply', '--server-side', '--force-conflicts', '--field-manager=record-platform-cluster', '-k', folderOf(part));

async function available(namespace: string): Promise<void> {
  await kubectlLocal('-n', namespace, 'rollout', 'status', 'deployment', '--timeout=180s', '--request-timeout=0').catch(async (error) => {
    const pods = await kubectlLocal('-n', namespace, 'get', 'pods').catch(() => '');
    throw new Remedy(`${(error as Error).message}\n${pods}`);
  });
}

/** Knative's webhook pod writes its certificate into their configuration; until then the API server trusts no answer. */
async function webhooksAreSigned(): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 250) {
    const kinds = 'validatingwebhookconfigurations,mutatingwebhookconfigurations';
    const { items } = JSON.parse(await kubectlLocal('get', kinds, '-o', 'json')) as {
      items: { webhooks?: { clientConfig: { caBundle?: string } }[] }[];
    };
    if (items.every(({ webhooks = [] }) => webhooks.every(({ clientConfig }) => clientConfig.caBundle))) return;
    await sleep(250);
  }
  throw new Remedy('Knative’s webhooks got no certificate within 60 s.\nSee: npm run cluster -- logs webhook');
}
