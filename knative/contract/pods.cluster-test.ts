import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { http2Client } from '../../scripts/demo/http2.ts';
import { dataNamespace, edgeNamespace } from '../../scripts/deploy/secrets.ts';
import '../cluster/quick.ts';
import { builtImage, imageNames } from '../images/build-images.ts';
import type { Manifest } from '../manifests/render.ts';
import { functionsNamespace } from '../manifests/service.ts';
import { clusterEdge, type TestCluster, testCluster } from '../manifests/testing/cluster.ts';
import { functionNames, namespaces, type RunningContainer, runningContainers, runningPods } from './containers.ts';
import { listeners, processFacts } from './process.ts';
import { secretTexts } from './secret-texts.ts';

/** Files that the kubelet binds into every container; they belong to root, and nobody here is root. */
const kubeletFiles = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];

describe('pods, as they run', { timeout: 300_000 }, () => {
  let cluster: TestCluster;
  let pods: Manifest[];
  let containers: RunningContainer[];

  before(async () => {
    cluster = await testCluster();
    await wakeFunctions();
    pods = await runningPods(cluster.kubectl);
    containers = await runningContainers(pods);
  });

  /** Asks every function something, whatever it answers, until each has an instance. */
  async function wakeFunctions(): Promise<void> {
    const client = await http2Client(clusterEdge());
    const ask = () =>
      Promise.all(
        rpcs.map(({ http: [rule] }) =>
          client.send({ method: rule?.method ?? 'GET', path: (rule?.path ?? '').replace(/\{\w+\}/g, 'none') }).catch(() => undefined),
        ),
      );
    try {
      for (const end = performance.now() + 120_000; performance.now() < end; await sleep(1000)) {
        await ask();
        const awake = new Set(
          (await runningPods(cluster.kubectl)).map(({ metadata }) => metadata.labels?.['serving.knative.dev/service'] ?? ''),
        );
        if (functionNames.every((name) => awake.has(name))) return;
      }
      assert.fail('not every function has an instance');
    } finally {
      client.close();
    }
  }

  const ofContainer = ({ pod, name }: RunningContainer): string => `${pod} ${name}`;

  test('there is something to look at: each function with its queue-proxy, PostgreSQL, PgBouncer, the edge', () => {
    const names = containers.map(({ name }) => name);
    for (const name of ['user-container', 'queue-proxy'])
      assert.ok(names.filter((each) => each === name).length >= functionNames.length, `${name}: ${names}`);
    for (const name of ['postgres', 'pgbouncer', 'caddy']) assert.ok(names.includes(name), name);
  });

  test('no pod asks for a token, for the node’s own network, processes or files, or for privileges', () => {
    for (const { metadata, spec } of pods) {
      const { name } = metadata;
      assert.equal(spec.automountServiceAccountToken, false, name);
      assert.deepEqual([spec.hostNetwork, spec.hostPID, spec.hostIPC], [undefined, undefined, undefined], name);
      for (const volume of spec.volumes ?? [])
        assert.ok(!('projected' in volume || 'hostPath' in volume), `${name} has the volume ${JSON.stringify(volume)}`);
      for (const { name: container, securityContext } of spec.containers) {
        const { runAsNonRoot = spec.securityContext?.runAsNonRoot, seccompProfile = spec.securityContext?.seccompProfile } =
          securityContext;
        const asked = { ...securityContext, runAsNonRoot, seccompProfile };
        for (const [key, value] of Object.entries({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        }))
          assert.deepEqual(asked[key], value, `${name} ${container}: ${key}`);
        assert.notEqual(asked.privileged, true);
      }
    }
  });

  test('the kernel says the same: no root, no capability, no way to gain one, a filter of system calls, a read-only root', () => {
    for (const container of containers) {
      const facts = processFacts(container.pid);
      const what = ofContainer(container);
      // Knative gives queue-proxy a user and no group, which the kubelet takes for group 0.
      const ids = container.name === 'queue-proxy' ? facts.uids : [...facts.uids, ...facts.gids];
      assert.ok(!ids.includes(0), `${what} runs as ${facts.uids}:${facts.gids}`);
      assert.deepEqual(facts.capabilities, { effective: 0n, bounding: 0n }, what);
      assert.deepEqual([facts.canGainPrivileges, facts.seccomp, facts.rootIsReadOnly], [false, 2, true], what);
      assert.equal(facts.stdin, '/dev/null', what);
    }
  });

  test('no container holds a token of the cluster, and functions and queue-proxies can write nowhere', () => {
    for (const container of containers) {
      const { mounts, writable } = processFacts(container.pid);
      const tokens = mounts.filter((path) => /serviceaccount|kubernetes\.io/.test(path));
      assert.deepEqual(tokens, [], ofContainer(container));
      if (container.namespace === functionsNamespace)
        assert.deepEqual(
          writable.filter((path) => !kubeletFiles.includes(path)),
          [],
          ofContainer(container),
        );
    }
  });

  test('a function listens at one port, 8080', () => {
    const functions = containers.filter(({ name }) => name === 'user-container');
    for (const container of functions)
      assert.deepEqual(listeners(container.pid), [{ address: '00000000', port: 8080 }], ofContainer(container));
  });

  test('the accounts of our pods may do nothing, had they a token', async () => {
    for (const namespace of namespaces) {
      for (const { metadata } of await cluster.kubectl.list('serviceaccount', namespace)) {
        const may = await cluster.kubectl.run([
          'auth',
          'can-i',
          '--list',
          '-n',
          namespace,
          `--as=system:serviceaccount:${namespace}:${metadata.name}`,
        ]);
        // What everybody who is known may do: ask who one is, and what one may.
        const more = may
          .split('\n')
          .slice(1)
          .filter((line) => line.trim() !== '' && !/^(selfsubject\w+\.|\s+\[\/)/.test(line));
        assert.deepEqual(more, [], metadata.name);
      }
    }
  });

  describe('Pod Security', () => {
    const pod = (namespace: string, spec: object, securityContext: object = {}): Manifest => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'refused', namespace },
      spec: {
        ...spec,
        containers: [
          {
            name: 'one',
            image: 'dev.local/record-platform/none:none',
            securityContext: {
              allowPrivilegeEscalation: false,
              runAsNonRoot: true,
              capabilities: { drop: ['ALL'] },
              seccompProfile: { type: 'RuntimeDefault' },
              ...securityContext,
            },
          },
        ],
      },
    });
    const bad: Record<string, (namespace: string) => Manifest> = {
      privileged: (namespace) => pod(namespace, {}, { privileged: true, allowPrivilegeEscalation: true }),
      'as root': (namespace) => pod(namespace, {}, { runAsNonRoot: false, runAsUser: 0 }),
      'in the node’s network': (namespace) => pod(namespace, { hostNetwork: true }),
      'with the node’s files': (namespace) => pod(namespace, { volumes: [{ name: 'root', hostPath: { path: '/' } }] }),
      'without a filter of system calls': (namespace) => pod(namespace, {}, { seccompProfile: { type: 'Unconfined' } }),
      'that keeps its capabilities': (namespace) => pod(namespace, {}, { capabilities: {} }),
    };
    for (const [what, manifest] of Object.entries(bad))
      test(`a pod ${what} is refused among functions and data`, async () => {
        for (const namespace of [functionsNamespace, dataNamespace])
          await assert.rejects(
            cluster.kubectl.apply([manifest(namespace)], { dryRun: true }),
            /violates PodSecurity "restricted:latest"|privileged: Forbidden: disallowed by cluster policy/,
          );
      });

    test('a pod as ours is taken; only the edge, which needs a port of the node, has a namespace that takes others', async () => {
      await cluster.kubectl.apply([pod(functionsNamespace, {}), pod(dataNamespace, {})], { dryRun: true });
      const levels = await Promise.all(
        namespaces.map(
          async (name) => (await cluster.kubectl.get('namespace', name))?.metadata.labels?.['pod-security.kubernetes.io/enforce'],
        ),
      );
      assert.deepEqual(levels, ['restricted', 'restricted', 'privileged']);
      const edge = await cluster.kubectl.get('namespace', edgeNamespace);
      assert.equal(edge?.metadata.labels?.['pod-security.kubernetes.io/warn'], 'restricted');
    });
  });

  describe('secrets', () => {
    let secrets: string[];
    before(async () => {
      const found = await Promise.all(namespaces.map((namespace) => cluster.kubectl.list('secret', namespace)));
      secrets = found.flat().flatMap(secretTexts);
      assert.ok(secrets.length >= 8, `${secrets.length} secret texts`);
      assert.ok(leaks(JSON.stringify(found)) > 0, 'the search finds them where they are');
    });

    /** Where a text, or its base64, holds a secret; the secret itself is not repeated. */
    const leaks = (text: string): number =>
      secrets.filter((secret) => text.includes(secret) || text.includes(btoa(secret).slice(0, -4))).length;

    test('are in no ConfigMap, no variable, no argument, no annotation', async () => {
      const kinds = ['configmap', 'ksvc', 'revision', 'deployment', 'statefulset', 'job', 'pod', 'event'];
      for (const namespace of namespaces)
        for (const object of (await Promise.all(kinds.map((kind) => cluster.kubectl.list(kind, namespace)))).flat())
          assert.equal(leaks(JSON.stringify(object)), 0, `${object.kind} ${namespace}/${object.metadata.name} holds a secret`);
      for (const container of containers)
        assert.equal(leaks(readFileSync(`/proc/${container.pid}/cmdline`, 'utf8')), 0, `the command of ${ofContainer(container)}`);
    });

    test('are in no file that the deploy writes, and in no log', async () => {
      for (const file of cluster.files().values()) assert.equal(leaks(readFileSync(file, 'utf8')), 0, file);
      for (const { metadata } of pods) {
        const log = await cluster.kubectl.run(['-n', metadata.namespace ?? '', 'logs', metadata.name, '--all-containers', '--tail=5000']);
        assert.equal(leaks(log), 0, `the log of ${metadata.name}`);
      }
    });

    test('are in no layer of any image', () => {
      const layers = new Map<string, string>();
      for (const name of imageNames()) {
        const { layout, digest } = builtImage(name);
        const blob = (id: string) => join(layout, 'blobs/sha256', id.slice('sha256:'.length));
        const { config, layers: own } = JSON.parse(readFileSync(blob(digest), 'utf8'));
        assert.equal(leaks(readFileSync(blob(config.digest), 'utf8')), 0, `the settings of ${name}`);
        for (const { digest: id } of own) layers.set(id, blob(id));
      }
      assert.ok(layers.size > functionNames.length);
      for (const file of layers.values()) {
        const bytes = gunzipSync(readFileSync(file));
        for (const secret of secrets) assert.ok(!bytes.includes(secret), `${file} holds a secret`);
      }
    });
  });
});
