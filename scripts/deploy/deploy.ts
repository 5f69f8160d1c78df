import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { loadImage } from '../../knative/cluster/load-image.ts';
import type { Progress } from '../../knative/cluster/progress.ts';
import { buildImages, type Image, imageNames } from '../../knative/images/build-images.ts';
import { push } from '../../knative/images/push.ts';
import { isFunction, type Manifest, renderOverlay } from '../../knative/manifests/render.ts';
import { functionsNamespace } from '../../knative/manifests/service.ts';
import { findFunctions } from '../build/functions.ts';
import { portOwner } from '../stack/proc.ts';
import { stackSettings } from '../stack/state.ts';
import { Remedy } from '../tools/install.ts';
import { assertTakesTraffic, type Changed, setTraffic } from './change-traffic.ts';
import { checkEdge, type EdgeAddress } from './check-edge.ts';
import { applyServices, serviceStates, waitReady } from './functions.ts';
import { isLocalCluster, type Kubectl } from './kubectl.ts';
import type { Options } from './options.ts';
import { applyPlatform, namedByContent, type Stages, stagesOf, withImages } from './platform.ts';
import { edgeNamespace, missingSecrets, readSecrets, valuesOf } from './secrets.ts';
import { following, modeOf, pinned, type ServiceState, split } from './traffic.ts';

/** A function after a deploy. */
export interface Deployed {
  readonly name: string;
  readonly revision: string;
  /** Whether this deploy made that revision. */
  readonly changed: boolean;
  readonly image: string;
}

export interface DeployResult {
  readonly functions: readonly Deployed[];
  /** Functions whose traffic was set: canaries, and what was unpinned. */
  readonly traffic: readonly Changed[];
  readonly edge: {
    readonly url: string;
    readonly root: string | undefined;
    readonly checks: readonly { path: string; milliseconds: number }[];
  };
  /** The same by hand. */
  readonly kn: readonly string[];
  /** Only in a dry run: what the API server says that it would do. */
  readonly would?: readonly string[];
}

const root = join(import.meta.dirname, '../..');

/** @throws Remedy, or an Error of the build */
export async function deploy(kubectl: Kubectl, options: Options, shown: Progress): Promise<DeployResult> {
  const { overlay, dryRun, canary, unpin } = options;
  const names = options.functions.length > 0 ? options.functions : findFunctions(root).map(({ name }) => name);
  if (!isLocalCluster() && options.push === undefined)
    throw new Remedy('This cluster is not on this machine: it takes images from a registry.\nnpm run deploy -- --push REGISTRY/PATH');
  if (isLocalCluster() && overlay === 'local') assertEdgePortFree();
  const before = await serviceStates(kubectl);
  assertTakesTraffic(
    names.flatMap((name) => before.get(name) ?? []),
    options,
  );
  if (canary !== undefined) assertCanaryPossible(names, before);

  const images = await giveImages(names, options, shown);
  const kustomize = [kubectl.program, 'kustomize'];
  const rendered = (await renderOverlay(kustomize, overlay)).filter((each) => !isFunction(each) || names.includes(each.metadata.name));
  const present = await readSecrets(kubectl);
  const secrets = await missingSecrets(present, overlay);
  const stages = withJobNames(stagesOf(withImages(rendered, images)), valuesOf(secrets, 'migrate') ?? present.migrate ?? {});
  const files = writeFunctions(overlay, stages.functions);
  const kn = [...files].map(([name, file]) => `kn -n ${functionsNamespace} service apply ${name} -f ${file}`);
  if (dryRun)
    return { functions: [], traffic: [], edge: { url: '', root: undefined, checks: [] }, kn, would: await wouldDo(kubectl, stages) };

  await applyPlatform(kubectl, stages, secrets, shown);
  const held = names.flatMap((name) => before.get(name) ?? []);
  // Before anything new comes, what has the requests is named: else the new revision would have them all at once.
  if (canary !== undefined) for (const state of held) await kubectl.setTraffic(state.name, functionsNamespace, pinned(stableOf(state)));
  const ready = await applyFunctions(kubectl, stages.functions, options, shown);
  const traffic: Changed[] = [];
  for (const state of canary === undefined && !unpin ? [] : held) {
    const now = ready.get(state.name) as ServiceState;
    const newest = now.latestReady as string;
    const stable = stableOf(state);
    const wanted = canary === undefined || newest === stable ? following() : split(stable, newest, canary);
    traffic.push(await shown.step(`traffic of ${state.name}`, () => setTraffic(kubectl, now, wanted, timing(options))));
  }
  const edge = await shown.step('asking the edge', () => askEdge(kubectl, options));
  const functions = names.map((name): Deployed => {
    const revision = ready.get(name)?.latestReady ?? '';
    return { name, revision, changed: before.get(name)?.latestReady !== revision, image: images.get(name) ?? '' };
  });
  return { functions, traffic, edge, kn: [...kn, ...traffic.map((each) => each.kn)] };
}

const timing = ({ timeoutSeconds, dryRun }: Options) => ({ timeoutMs: timeoutSeconds * 1000, dryRun });

/** What has the requests now. */
function stableOf(state: ServiceState): string {
  const mode = modeOf(state);
  if (mode.kind === 'canary') return mode.stable;
  return mode.kind === 'pinned' ? mode.revision : (state.latestReady ?? '');
}

function assertCanaryPossible(names: readonly string[], before: ReadonlyMap<string, ServiceState>): void {
  const fresh = names.filter((name) => !before.get(name)?.latestReady);
  if (fresh.length > 0)
    throw new Remedy(`${fresh.join(', ')}: nothing runs yet that a canary could be compared with.\nDeploy without --canary first.`);
}

/** The edge's port is the node's, and a redirection of packets: another listener would not be asked any more, without a word. */
function assertEdgePortFree(): void {
  for (const protocol of ['tcp', 'udp'] as const) {
    const owner = portOwner(8443, protocol);
    if (owner !== undefined)
      throw new Remedy(
        `Port 8443 (${protocol}) is taken by process ${owner.pid ?? 'of another user'} (${owner.command.slice(0, 80)}): the cluster's edge needs it.\n` +
          'End it (npm start, say), or give it another port: RECORD_PLATFORM_EDGE_PORT=8444 npm start',
      );
  }
}

/** Builds the images that are wanted, and those of the platform. @returns name → reference, as the cluster knows it */
async function giveImages(names: readonly string[], options: Options, shown: Progress): Promise<Map<string, string>> {
  const functions = findFunctions(root).map(({ name }) => name);
  const wanted = imageNames().filter((name) => names.includes(name) || !functions.includes(name));
  let done = 0;
  const images = await shown.step(`building ${wanted.length} images`, (note) =>
    built(wanted, {
      onProgress: ({ name }) => {
        done += 1;
        if (process.stderr.isTTY) note(`${done} of ${wanted.length}: ${name}`);
      },
    }),
  );
  if (options.push !== undefined) return pushAll(images, options.push, options, shown);
  if (!options.dryRun)
    await shown.step('loading images', async (note) => {
      for (const { name, layout, reference } of images) {
        if (process.stderr.isTTY) note(name);
        await loadImage(layout, reference);
      }
    });
  return new Map(images.map(({ name, reference }) => [name, reference]));
}

/** Code that doesn't build is said by what esbuild says of it, without where this program was. */
const built = (names: readonly string[], options: Parameters<typeof buildImages>[1]): Promise<Image[]> =>
  buildImages(names, options).catch((error: Error) => {
    throw error instanceof Remedy ? error : new Remedy(`The images could not be built, and nothing was deployed: ${error.message}`);
  });

async function pushAll(images: readonly Image[], registry: string, { dryRun }: Options, shown: Progress): Promise<Map<string, string>> {
  const references = new Map<string, string>();
  for (const image of images) {
    const pushed = dryRun
      ? `${registry}/${image.name}@${image.digest}`
      : await shown.step(`pushing ${image.name}`, () => push(image, registry));
    references.set(image.name, pushed);
  }
  return references;
}

/** What the migration Job is given decides about its name, too: a password that is another must reach the database. */
function withJobNames(stages: Stages, given: Record<string, string>): Stages {
  const sorted = JSON.stringify(Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...stages, migrate: stages.migrate.map((job) => namedByContent(job, sorted)) };
}

/** The functions' files with their images, for kn and for whoever wants to look. @returns name → path */
function writeFunctions(overlay: string, functions: readonly Manifest[]): Map<string, string> {
  const folder = join(stackSettings().folder, 'deploy', overlay);
  mkdirSync(folder, { recursive: true });
  return new Map(
    functions.map((manifest) => {
      const file = join(folder, `${manifest.metadata.name}.yaml`);
      writeFileSync(file, stringify(manifest, { lineWidth: 0 }));
      return [manifest.metadata.name, file];
    }),
  );
}

async function applyFunctions(
  kubectl: Kubectl,
  functions: readonly Manifest[],
  options: Options,
  shown: Progress,
): Promise<Map<string, ServiceState>> {
  const names = functions.map(({ metadata }) => metadata.name);
  return shown.step(`${names.length} functions`, async (note) => {
    await applyServices(kubectl, functions);
    const onReady = ({ name, latestReady }: ServiceState, left: number) =>
      note(`${name} is ready (${latestReady})${left > 0 ? `, ${left} to go` : ''}`);
    return waitReady(kubectl, names, { timeoutMs: options.timeoutSeconds * 1000, onReady });
  });
}

/** Asks the API server; where a namespace isn't there yet, it can't say anything of what will be in it. */
async function wouldDo(kubectl: Kubectl, stages: Stages): Promise<string[]> {
  const present = new Set((await kubectl.list('namespace', functionsNamespace)).map(({ metadata }) => metadata.name));
  const lines = await kubectl.apply(stages.namespaces, { dryRun: true });
  for (const stage of Object.values(stages).filter((each) => each !== stages.namespaces)) {
    const known = stage.filter(({ metadata }: Manifest) => metadata.namespace === undefined || present.has(metadata.namespace));
    const apply = stage === stages.functions ? applyServices(kubectl, known, { dryRun: true }) : kubectl.apply(known, { dryRun: true });
    lines.push(...(await apply));
    for (const { kind, metadata } of stage.filter((each: Manifest) => !known.includes(each)))
      lines.push(`${kind.toLowerCase()}/${metadata.name} would be created in ${metadata.namespace}, which is not there yet`);
  }
  return lines;
}

/** Where the edge's root is written for people, when it is a CA of ours. */
export const rootFile = (): string => join(stackSettings().folder, 'ca/cluster.crt');

async function askEdge(kubectl: Kubectl, options: Options): Promise<DeployResult['edge']> {
  const secret = options.overlay === 'local' ? await kubectl.get('secret', 'edge-root', edgeNamespace) : undefined;
  const ca = secret && Buffer.from(secret.data['tls.crt'], 'base64').toString();
  if (ca !== undefined) {
    mkdirSync(dirname(rootFile()), { recursive: true, mode: 0o755 });
    writeFileSync(rootFile(), ca);
  }
  const deployment = await kubectl.get('deployment', 'edge', edgeNamespace);
  const environment: { name: string; value?: string }[] = deployment?.spec.template.spec.containers[0].env ?? [];
  const name = environment.find((each) => each.name === 'EDGE_NAME')?.value ?? 'record.local';
  const place = options.edge ?? (await edgePlace(kubectl));
  const address: EdgeAddress = { name, ...place, ca };
  return { url: `https://${name}:${place.port}`, root: ca && rootFile(), checks: await checkEdge(address) };
}

/** The load balancer's address, or this machine. */
async function edgePlace(kubectl: Kubectl): Promise<{ host: string; port: number }> {
  const service = await kubectl.get('service', 'edge', edgeNamespace);
  if (service === undefined) {
    if (isLocalCluster()) return { host: '127.0.0.1', port: 8443 };
    throw new Remedy('Everything is applied, and where the edge can be reached is not known here.\nnpm run deploy -- --edge HOST:PORT');
  }
  const [ingress] = service.status?.loadBalancer?.ingress ?? [];
  if (ingress === undefined)
    throw new Remedy('Everything is applied, and the load balancer has no address yet.\nAsk later: npm run deploy -- --edge HOST:PORT');
  return { host: ingress.ip ?? ingress.hostname, port: 8443 };
}
