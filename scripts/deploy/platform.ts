import { createHash } from 'node:crypto';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '../../knative/cluster/progress.ts';
import { stateFolder } from '../../knative/cluster/state.ts';
import { isFunction, type Manifest, podOf } from '../../knative/manifests/render.ts';
import { Remedy } from '../tools/install.ts';
import { patienceMs, stuckReason } from './functions.ts';
import { isLocalCluster, type Kubectl } from './kubectl.ts';
import { dataNamespace, edgeNamespace } from './secrets.ts';

/** What the platform's pods run as (knative/images). */
const podUser = 10001;

/** An overlay in the order in which it is applied: each stage is ready before the next begins. */
export interface Stages {
  readonly namespaces: readonly Manifest[];
  /** What has no pods: policies, accounts, settings, services, volumes. */
  readonly settings: readonly Manifest[];
  readonly postgres: readonly Manifest[];
  readonly migrate: readonly Manifest[];
  readonly pgbouncer: readonly Manifest[];
  readonly edge: readonly Manifest[];
  readonly functions: readonly Manifest[];
}

export function stagesOf(manifests: readonly Manifest[]): Stages {
  const named = (kind: string, name: string) => manifests.filter((each) => each.kind === kind && each.metadata.name === name);
  const stages = {
    namespaces: manifests.filter(({ kind }) => kind === 'Namespace'),
    postgres: named('StatefulSet', 'postgres'),
    migrate: manifests.filter(({ kind }) => kind === 'Job'),
    pgbouncer: named('Deployment', 'pgbouncer'),
    edge: named('Deployment', 'edge'),
    functions: manifests.filter(isFunction),
  };
  const staged = new Set(Object.values(stages).flat());
  return { ...stages, settings: manifests.filter((manifest) => !staged.has(manifest)) };
}

/**
 * Names every image exactly.
 * @param images name ("records-get-record", "caddy") → reference
 * @throws Error where the overlay wants one that isn't there
 */
export function withImages(manifests: readonly Manifest[], images: ReadonlyMap<string, string>): Manifest[] {
  return manifests.map((manifest) => {
    const copy = structuredClone(manifest);
    for (const container of podOf(copy)?.containers ?? []) {
      const name = String(container.image).replace(/^record-platform\//, '');
      const reference = images.get(name);
      if (reference === undefined) throw new Error(`${manifest.metadata.name} needs the image ${container.image}, and nobody builds it`);
      container.image = reference;
    }
    return copy;
  });
}

/**
 * A Job can't be changed, only made: its name holds a digest of what it runs and of what it is given, so that the same one is not run twice.
 * @param given whatever else decides whether it must run again
 */
export function namedByContent(job: Manifest, given: string): Manifest {
  const digest = createHash('sha256').update(JSON.stringify(job.spec)).update(given).digest('hex').slice(0, 10);
  return { ...job, metadata: { ...job.metadata, name: `${job.metadata.name}-${digest}` } };
}

/** The local overlay's volume is a folder of this machine. For another state folder than root's its path is another, too. */
export function withLocalVolumes(manifests: readonly Manifest[]): Manifest[] {
  return manifests.map((manifest) => {
    if (manifest.kind !== 'PersistentVolume' || !isLocalCluster()) return manifest;
    const path = join(stateFolder(), 'volumes/postgres');
    mkdirSync(path, { recursive: true, mode: 0o750 });
    chownSync(path, podUser, podUser);
    return { ...manifest, spec: { ...manifest.spec, local: { path } } };
  });
}

/**
 * Applies everything but the functions, and waits for it: PostgreSQL, then migrations, then PgBouncer and the edge.
 * @param secrets those that must be made or changed
 * @throws Remedy naming the part, with its log where it is a migration
 */
export async function applyPlatform(kubectl: Kubectl, stages: Stages, secrets: readonly Manifest[], shown: Progress): Promise<void> {
  await shown.step('namespaces, secrets, policies', async () => {
    await kubectl.apply(stages.namespaces);
    await kubectl.apply(secrets);
    await kubectl.apply(withLocalVolumes(stages.settings));
  });
  if (stages.postgres.length > 0)
    await shown.step('PostgreSQL', async () => {
      await kubectl.apply(stages.postgres);
      await rolledOut(kubectl, 'statefulset/postgres', dataNamespace);
    });
  for (const job of stages.migrate) await shown.step('migrations', () => runMigrations(kubectl, job));
  const usersChanged = secrets.some(({ metadata }) => metadata.name === 'pgbouncer-users');
  await shown.step('PgBouncer and the edge', async () => {
    const known = usersChanged && (await kubectl.get('deployment', 'pgbouncer', dataNamespace)) !== undefined;
    await kubectl.apply([...stages.pgbouncer, ...stages.edge]);
    // It reads its users when it starts.
    if (known) await kubectl.run(['-n', dataNamespace, 'rollout', 'restart', 'deployment/pgbouncer']);
    await rolledOut(kubectl, 'deployment/pgbouncer', dataNamespace);
    await rolledOut(kubectl, 'deployment/edge', edgeNamespace);
  });
}

async function rolledOut(kubectl: Kubectl, what: string, namespace: string): Promise<void> {
  try {
    await kubectl.run(['-n', namespace, 'rollout', 'status', what, '--timeout=180s']);
  } catch (error) {
    const pods = await kubectl.run(['-n', namespace, 'get', 'pods', '-o', 'wide']).catch(() => '');
    const events = await kubectl.run(['-n', namespace, 'get', 'events', '--sort-by=.lastTimestamp']).catch(() => '');
    throw new Remedy(`${what} did not become ready: ${(error as Error).message}\n${pods}${events.split('\n').slice(-8).join('\n')}`);
  }
}

/** A migration may take long on a large database; the Job itself ends it after half an hour. */
const migrationMs = 31 * 60_000;

/** Runs the Job, unless the very same one has been done. @throws Remedy with its log */
export async function runMigrations(kubectl: Kubectl, job: Manifest): Promise<void> {
  const { name } = job.metadata;
  const before = await kubectl.get('job', name, dataNamespace);
  if (before?.status?.succeeded) return;
  if (before !== undefined) await kubectl.run(['-n', dataNamespace, 'delete', 'job', name, '--wait=true']);
  await kubectl.apply([job]);
  let stuck: string | undefined;
  let stuckSince = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + migrationMs; performance.now() < end; await sleep(500)) {
    const status = (await kubectl.get('job', name, dataNamespace))?.status;
    if (status?.succeeded) return;
    const failed = (status?.conditions ?? []).find(
      (each: { type: string; status: string }) => each.type === 'Failed' && each.status === 'True',
    );
    if (failed !== undefined) break;
    // One that can't even start would be pending until the Job's own time is over.
    stuck = stuckReason(await kubectl.list('pod', dataNamespace, `job-name=${name}`));
    stuckSince = stuck === undefined ? Number.POSITIVE_INFINITY : Math.min(stuckSince, performance.now());
    if (performance.now() - stuckSince > patienceMs) break;
  }
  const log = await kubectl.run(['-n', dataNamespace, 'logs', `job/${name}`, '--tail=20']).catch(() => '');
  const pods = await kubectl.run(['-n', dataNamespace, 'get', 'pods', '-l', `job-name=${name}`]).catch(() => '');
  throw new Remedy(
    `The migrations did not run, so no new code was deployed; what runs goes on.\n${stuck === undefined ? log || pods : `Their pod is pending. ${stuck}\n`}` +
      `Mend the cause and deploy again. More: kubectl -n ${dataNamespace} logs job/${name}`,
  );
}
