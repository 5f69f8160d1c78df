import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import { secretPlaces } from '../../scripts/deploy/secrets.ts';
import { kubeconform, kubeScore, kustomize } from '../../scripts/tools/go.ts';
import { isFunction, type Manifest, overlays, podOf, renderOverlay } from './render.ts';
import { manifestSchemas } from './schemas.ts';

const rendered = new Map(
  await Promise.all(overlays.map(async (overlay) => [overlay, await renderOverlay([await kustomize(), 'build'], overlay)] as const)),
);

/** Gives a program manifests on its standard input. */
async function judge(program: string, args: readonly string[], manifests: readonly Manifest[]): Promise<{ code: number; said: string }> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  child.stdin.end(manifests.map((manifest) => stringify(manifest)).join('---\n'));
  const [code] = await once(child, 'close');
  return { code, said };
}

const conform = async (manifests: readonly Manifest[]) =>
  judge(await kubeconform(), ['-strict', '-schema-location', await manifestSchemas(), '-'], manifests);

/** kube-score knows no Knative: it sees each function as the Deployment that Knative makes of it. */
const asDeployment = (manifest: Manifest): Manifest =>
  isFunction(manifest)
    ? {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: manifest.metadata,
        spec: {
          replicas: 2,
          selector: { matchLabels: { 'app.kubernetes.io/name': manifest.metadata.name } },
          template: {
            ...manifest.spec.template,
            spec: { ...podOf(manifest), containers: [{ ...podOf(manifest).containers[0], name: 'user-container' }] },
          },
        },
      }
    : manifest;

/** What kube-score asks for and we don't do, each with its reason. */
const notOurs: Readonly<Record<string, string>> = {
  'container-image-tag': 'the deploy names each image by its digest',
  'container-image-pull-policy': 'a digest is the same image whoever pulls it',
  'container-ephemeral-storage-request-and-limit': 'root file systems are read-only, and emptyDirs have their size limits',
  'container-security-context-user-group-id': 'any user that isn’t root will do: the cluster may choose (runAsNonRoot is tested below)',
  'pod-topology-spread-constraints': 'Serving refuses them in functions; the production overlay has them for the rest',
  'deployment-has-poddisruptionbudget': 'Knative’s activator holds a function’s requests; the production overlay has them for the rest',
  'deployment-has-host-podantiaffinity': 'topology spread does it',
  'statefulset-has-poddisruptionbudget': 'the one PostgreSQL of the local overlay can’t be in two places',
  'statefulset-has-host-podantiaffinity': 'the same',
  'deployment-replicas': 'the local overlay has one node; tested below for production',
};

for (const [overlay, manifests] of rendered) {
  describe(`overlay ${overlay}`, { timeout: 60_000 }, () => {
    const pods = manifests.flatMap((manifest) => (podOf(manifest) ? [{ manifest, pod: podOf(manifest) }] : []));

    test('every field is one that this Kubernetes and this Serving know', async () => {
      const { code, said } = await conform(manifests);
      assert.equal(code, 0, said);
    });

    test('kube-score finds nothing that has no reason', async () => {
      const ignored = Object.keys(notOurs).flatMap((name) => ['--ignore-test', name]);
      const args = ['score', '--ignore-container-cpu-limit', '--output-format', 'ci', ...ignored, '-'];
      const { said } = await judge(await kubeScore(), args, manifests.map(asDeployment));
      const found = said.split('\n').filter((line) => /^\[(CRITICAL|WARNING)\]/.test(line));
      assert.deepEqual(found, []);
      assert.match(said, /^\[OK\]/m);
    });

    test('every pod keeps to the restricted Pod Security level, with a read-only root and no token', () => {
      assert.ok(pods.length > 15);
      for (const { manifest, pod } of pods) {
        const name = `${manifest.kind} ${manifest.metadata.name}`;
        assert.equal(pod.automountServiceAccountToken, false, name);
        assert.equal(pod.enableServiceLinks, false, name);
        assert.ok(pod.serviceAccountName, name);
        for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) assert.equal(pod[field], undefined, `${name} ${field}`);
        for (const volume of pod.volumes ?? []) assert.equal(volume.hostPath, undefined, name);
        for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
          const { allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem, ...own } = container.securityContext;
          assert.deepEqual([allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem], [false, { drop: ['ALL'] }, true], name);
          assert.equal(own.runAsNonRoot ?? pod.securityContext?.runAsNonRoot, true, name);
          assert.deepEqual(own.seccompProfile ?? pod.securityContext?.seccompProfile, { type: 'RuntimeDefault' }, name);
          assert.ok(container.resources.limits.memory && container.resources.requests.cpu, name);
        }
      }
    });

    test('every service account that a pod has is there, and has no token', () => {
      const accounts = manifests.filter(({ kind }) => kind === 'ServiceAccount');
      for (const account of accounts) assert.equal(account.automountServiceAccountToken, false, account.metadata.name);
      for (const { manifest, pod } of pods)
        assert.ok(
          accounts.some(({ metadata }) => metadata.name === pod.serviceAccountName && metadata.namespace === manifest.metadata.namespace),
          manifest.metadata.name,
        );
      assert.deepEqual(
        manifests.filter(({ kind }) => /Role/.test(kind)),
        [],
        'nobody has rights at the API server',
      );
    });

    test('no secret stands here, and no namespace is without a policy that denies the rest', () => {
      assert.deepEqual(
        manifests.filter(({ kind }) => kind === 'Secret'),
        [],
      );
      const namespaces = manifests.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
      assert.equal(namespaces.length, 3);
      for (const namespace of namespaces)
        assert.ok(
          manifests.some(
            ({ kind, metadata, spec }) =>
              kind === 'NetworkPolicy' &&
              metadata.namespace === namespace &&
              Object.keys(spec.podSelector).length === 0 &&
              spec.policyTypes.length === 2 &&
              spec.ingress === undefined &&
              spec.egress === undefined,
          ),
          namespace,
        );
    });

    test('every setting that a pod mounts or reads is there, and every Secret is one that a deploy or production’s owner makes', () => {
      const made = [...secretPlaces, 'record-platform-edge/edge-tls'];
      for (const { manifest, pod } of pods) {
        const text = JSON.stringify(pod);
        const namespace = manifest.metadata.namespace;
        const secrets = [...text.matchAll(/"(?:secretName|secretKeyRef|secretRef)":(?:"([^"]+)"|\{"[^}]*?"name":"([^"]+)")/g)];
        for (const [, direct, referred] of secrets) assert.ok(made.includes(`${namespace}/${direct ?? referred}`), `${direct ?? referred}`);
        for (const [, name = ''] of text.matchAll(/"configMap(?:Ref)?":\{"name":"([^"]+)"/g))
          assert.ok(
            manifests.some(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name && metadata.namespace === namespace),
            name,
          );
      }
    });

    test('every image is ours to name, and every part of the platform says that it is one', () => {
      for (const { manifest, pod } of pods) {
        for (const { image } of pod.containers) assert.match(image, /^record-platform\/[a-z-]+$/);
        assert.equal(manifest.spec.template.metadata.labels['app.kubernetes.io/part-of'], 'record-platform', manifest.metadata.name);
      }
    });
  });
}

test('a field that nobody knows is found, in Kubernetes’s kinds and in Serving’s', async () => {
  const manifests = structuredClone(rendered.get('local') ?? []);
  const service = manifests.find(isFunction);
  const deployment = manifests.find(({ kind }) => kind === 'Deployment');
  if (service) service.spec.template.spec.containerConcurency = 1;
  if (deployment) deployment.spec.template.spec.containers[0].readynessProbe = {};
  const { code, said } = await conform(manifests);
  assert.equal(code, 1);
  assert.match(said, /containerConcurency/);
  assert.match(said, /readynessProbe/);
});

test('production has two of each part that requests go through, and a budget for each', () => {
  const manifests = rendered.get('production') ?? [];
  const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
  assert.deepEqual(
    deployments.map(({ metadata, spec }) => [metadata.name, spec.replicas]),
    [
      ['pgbouncer', 2],
      ['edge', 2],
    ],
  );
  for (const { metadata } of deployments)
    assert.ok(manifests.some(({ kind, metadata: { name } }) => kind === 'PodDisruptionBudget' && name === metadata.name));
  // Two edges share the 1,024 places of one Envoy.
  const edge = deployments.find(({ metadata }) => metadata.name === 'edge');
  const environment = Object.fromEntries(
    podOf(edge as Manifest).containers[0].env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  assert.ok(2 * Number(environment.EDGE_IN_FLIGHT_MAX) < 1024);
  assert.equal(
    manifests.find(({ kind }) => kind === 'StatefulSet'),
    undefined,
    'PostgreSQL is elsewhere',
  );
});
