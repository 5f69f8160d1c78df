import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Target } from '../../scripts/deploy/traffic.ts';
import { podOf } from './render.ts';
import { functionsNamespace } from './service.ts';
import { readFile, type TestCluster, testCluster } from './testing/cluster.ts';

/** Small, and called by nobody else here. */
const name = 'records-health-check';

describe('npm run deploy, on a real cluster', { timeout: 900_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await testCluster();
  });
  after(async () => {
    await cluster.deploy('--unpin', name);
  });

  /** Without `latestRevision: false`, which Knative fills in. */
  const traffic = async (): Promise<Target[]> => {
    const targets: Target[] = (await cluster.kubectl.get('ksvc', name, functionsNamespace))?.spec.traffic ?? [];
    return targets.map(({ latestRevision, ...target }) => (latestRevision ? { latestRevision, ...target } : target));
  };
  const newest = async (): Promise<string> => (await cluster.revisions()).get(name) ?? '';

  /** As if another commit were deployed: the same image with one variable more. The next deploy takes it out, which is a new revision. */
  async function anotherCommit(): Promise<void> {
    const manifest = readFile(cluster.files().get(name) ?? '');
    podOf(manifest).containers[0].env.push({ name: 'COMMIT', value: String(Date.now()) });
    await cluster.kubectl.apply([manifest]);
    await cluster.kubectl.run(['-n', functionsNamespace, 'wait', `ksvc/${name}`, '--for=condition=Ready', '--timeout=120s']);
  }

  async function succeeds(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await cluster.deploy(...args);
    assert.equal(code, 0, `npm run deploy -- ${args.join(' ')}\n${stderr}`);
    return stdout;
  }

  async function fails(says: RegExp, ...args: string[]): Promise<void> {
    const { code, stdout, stderr } = await cluster.deploy(...args);
    assert.deepEqual([code, stdout], [1, ''], stderr);
    assert.match(stderr, says);
  }

  test('a second deploy of the same changes nothing, and says what it asked and how kn does it', async () => {
    // What the sources are now, whatever was deployed before.
    await succeeds(name);
    const before = await newest();
    const result = JSON.parse(await succeeds('-o', 'json', name));
    assert.deepEqual(result.functions, [{ name, revision: before, changed: false, image: result.functions[0].image }]);
    assert.deepEqual(
      result.edge.checks.map(({ path }: { path: string }) => path),
      ['/healthz', '/api/auth/healthz', '/api/records/healthz', '/.well-known/jwks.json'],
    );
    assert.match(result.kn[0], new RegExp(`^kn -n ${functionsNamespace} service apply ${name} -f `));
  });

  test('a dry run says what would be, and changes nothing', async () => {
    const before = await newest();
    const said = await succeeds('--dry-run', name);
    assert.match(said, /^Nothing was changed\./);
    assert.match(said, new RegExp(`service\\.serving\\.knative\\.dev/${name} serverside-applied \\(server dry run\\)`));
    assert.equal(await newest(), before);
  });

  test('a canary gets its share; promoted it gets all, and so does the next deploy', async () => {
    await anotherCommit();
    const stable = await newest();
    await succeeds('--canary', '20', name);
    const canary = await newest();
    assert.notEqual(canary, stable);
    assert.deepEqual(await traffic(), [
      { revisionName: stable, percent: 80 },
      { revisionName: canary, percent: 20, tag: 'canary' },
    ]);
    await fails(/is in a canary/, name);
    await succeeds('--canary', '50', name);
    assert.equal((await traffic()).find(({ tag }) => tag === 'canary')?.percent, 50);
    const said = await succeeds('--promote', name);
    assert.match(said, /100 % to the newest revision/);
    assert.match(said, /kn -n record-platform service update records-health-check --untag canary --traffic @latest=100/);
    assert.deepEqual(await traffic(), [{ latestRevision: true, percent: 100 }]);
  });

  test('a rollback pins the revision before; the next deploy is refused until it is unpinned', async () => {
    await anotherCommit();
    const before = await newest();
    await succeeds(name);
    assert.notEqual(await newest(), before);
    const said = await succeeds('--rollback', name);
    assert.match(said, new RegExp(`${name}: 100 % to ${before}`));
    assert.match(said, /New revisions get no requests until: npm run deploy -- --unpin/);
    assert.deepEqual(await traffic(), [{ revisionName: before, percent: 100 }]);
    await fails(/was rolled back to .*: a new revision would get no requests[\s\S]*--unpin/, name);
    await fails(/was rolled back .*; nothing waits to be promoted/, '--promote', name);
    await succeeds('--unpin', name);
    assert.deepEqual(await traffic(), [{ latestRevision: true, percent: 100 }]);
  });

  test('a rollback in a canary ends it', async () => {
    await anotherCommit();
    const stable = await newest();
    await succeeds('--canary', '10', name);
    await succeeds('--rollback');
    assert.deepEqual(await traffic(), [{ revisionName: stable, percent: 100 }]);
    await succeeds('--unpin', name);
  });

  test('an image that is missing is named, and the revision before goes on serving', async () => {
    const before = await newest();
    const manifest = readFile(cluster.files().get(name) ?? '');
    podOf(manifest).containers[0].image = 'dev.local/record-platform/nowhere:000000000000';
    await cluster.kubectl.apply([manifest]);
    const { waitReady } = await import('../../scripts/deploy/functions.ts');
    await assert.rejects(
      waitReady(cluster.kubectl, [name], { timeoutMs: 90_000, onReady: () => {} }),
      /records-health-check is not ready: .*[Ii]mage[\s\S]*An image is missing there/,
    );
    const service = await cluster.kubectl.get('ksvc', name, functionsNamespace);
    assert.equal(service?.status.latestReadyRevisionName, before);
    await succeeds(name);
    // It would go on trying, and keep its pods, until Knative gives it up.
    await cluster.kubectl.run(['-n', functionsNamespace, 'delete', 'revision', service?.status.latestCreatedRevisionName]);
  });

  test('migrations that do not run stop a deploy before any function is touched, with their log', async () => {
    const revisions = await cluster.revisions();
    const secret = await cluster.kubectl.get('secret', 'migrate', 'record-platform-data');
    const broken = { ...secret?.data, WAIT_SECONDS: Buffer.from('1').toString('base64') };
    broken.ADMIN_DATABASE_URL = Buffer.from(
      'postgres://postgres:wrong@postgres.record-platform-data.svc.cluster.local:5432/record_platform',
    ).toString('base64');
    const { namedByContent, stagesOf, withImages, runMigrations } = await import('../../scripts/deploy/platform.ts');
    const { builtImage, imageNames } = await import('../images/build-images.ts');
    const { renderOverlay } = await import('./render.ts');
    const images = new Map(imageNames().map((each) => [each, builtImage(each).reference]));
    const [job] = stagesOf(withImages(await renderOverlay([cluster.kubectl.program, 'kustomize'], 'local'), images)).migrate;
    assert.ok(job);
    const own = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'migrate-broken', namespace: 'record-platform-data' }, data: broken };
    await cluster.kubectl.apply([own]);
    job.spec.backoffLimit = 0;
    podOf(job).containers[0].envFrom[0].secretRef.name = own.metadata.name;
    try {
      await assert.rejects(
        runMigrations(cluster.kubectl, namedByContent(job, 'broken')),
        /The migrations did not run, so no new code was deployed[\s\S]*password authentication failed/,
      );
    } finally {
      await cluster.kubectl.run(['-n', 'record-platform-data', 'delete', 'secret', own.metadata.name]);
      await cluster.kubectl.run(['-n', 'record-platform-data', 'delete', 'job', namedByContent(job, 'broken').metadata.name]);
    }
    assert.deepEqual(await cluster.revisions(), revisions);
  });

  test('a taken port is said with its owner, before anything is done', async () => {
    const taker = createServer().listen(8443, '127.0.0.1');
    try {
      await new Promise((resolve, reject) => taker.once('listening', resolve).once('error', reject));
      await fails(new RegExp(`Port 8443 \\(tcp\\) is taken by process ${process.pid} `), name);
    } finally {
      taker.close();
    }
  });
});
