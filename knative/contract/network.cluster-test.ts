import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { checkEdge } from '../../scripts/deploy/check-edge.ts';
import { isLocalCluster } from '../../scripts/deploy/kubectl.ts';
import { dataNamespace, edgeNamespace } from '../../scripts/deploy/secrets.ts';
import '../cluster/quick.ts';
import { apiServiceAddress, dnsAddress, node } from '../cluster/state.ts';
import { functionsNamespace, labelsOf } from '../manifests/service.ts';
import { clusterEdge, type TestCluster, testCluster } from '../manifests/testing/cluster.ts';
import { type Door, type Found, probe } from './network-probe.ts';

/** Who knocks: what the policies let it reach, by the names of the doors. */
interface Knocker {
  readonly says: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
  readonly may: readonly string[];
}

const knockers: readonly Knocker[] = [
  {
    says: 'a function',
    namespace: functionsNamespace,
    labels: labelsOf('probe', 'function'),
    may: ['PgBouncer', 'the cluster’s names'],
  },
  { says: 'a stranger among the functions', namespace: functionsNamespace, labels: {}, may: [] },
  { says: 'a stranger beside the database', namespace: dataNamespace, labels: {}, may: [] },
];

describe('the network, as pods find it', { timeout: 300_000 }, () => {
  let cluster: TestCluster;
  const found = new Map<string, Found[]>();

  before(async () => {
    cluster = await testCluster();
    const { kubectl } = cluster;
    // One function must have an instance that one could knock at.
    await checkEdge({ name: 'record.local', host: '127.0.0.1', port: 8443, ca: String(clusterEdge().ca) });
    const address = async (namespace: string, selector: string): Promise<string> => {
      const pods = await kubectl.list('pod', namespace, selector);
      // One that is about to end has closed its doors already.
      const staying = pods.filter(({ metadata, status }) => status.phase === 'Running' && !('deletionTimestamp' in metadata));
      return staying[0]?.status.podIP ?? assert.fail(`no pod ${selector}`);
    };
    const serviceAddress = async (namespace: string, name: string): Promise<string> =>
      (await kubectl.get('service', name, namespace))?.spec.clusterIP ?? assert.fail(`no service ${name}`);
    const neighbour = await address(functionsNamespace, 'serving.knative.dev/service=records-health-check');
    const doors: Door[] = [
      { name: 'PgBouncer', host: await serviceAddress(dataNamespace, 'pgbouncer'), port: 6432 },
      { name: 'the cluster’s names', host: dnsAddress, port: 53 },
      { name: 'PostgreSQL', host: await address(dataNamespace, 'app.kubernetes.io/name=postgres'), port: 5432, ask: 'postgres' },
      { name: 'another function past its queue-proxy', host: neighbour, port: 8080 },
      { name: 'another function’s queue-proxy', host: neighbour, port: 8013 },
      { name: 'the edge', host: await address(edgeNamespace, 'app.kubernetes.io/name=edge'), port: 8443 },
      { name: 'Kourier’s inner gateway', host: await serviceAddress('kourier-system', 'kourier-internal'), port: 80 },
      { name: 'the API server', host: apiServiceAddress, port: 443, ask: '/api/v1/secrets' },
      { name: 'the kubelet', host: node.address, port: 10250, ask: '/pods' },
      // A documentation network (RFC 5737): nothing is sent to anybody.
      { name: 'beyond the cluster', host: '198.51.100.1', port: 443 },
    ];
    const [service] = await kubectl.list('ksvc', functionsNamespace, 'app.kubernetes.io/name=records-health-check');
    const { image } = service?.spec.template.spec.containers[0] ?? assert.fail('records-health-check is not deployed');
    await Promise.all(
      knockers.map(async ({ says, namespace, labels }, index) => {
        found.set(says, await probe(kubectl, { namespace, labels, image, name: `network-probe-${index}` }, doors));
      }),
    );
  });

  const at = (who: string, door: string): Found => found.get(who)?.find(({ name }) => name === door) ?? assert.fail(`${who}: ${door}`);
  const opened = ({ says, may }: Knocker): string[] =>
    (found.get(says) ?? []).filter(({ name, open }) => open && !may.includes(name)).map(({ name }) => name);

  test('what the policies allow a function is open', () => {
    for (const door of knockers[0]?.may ?? []) assert.ok(at('a function', door).open, `${door}: ${at('a function', door).said}`);
  });

  test('what the policies forbid is closed, or this cluster’s network enforces no policy and our page says so', (t) => {
    // A policy forbids it everything in both directions: where it reaches anything in the cluster, nobody enforces any.
    const enforced = opened(knockers[1] as Knocker).length === 0;
    t.diagnostic(`network policies are ${enforced ? 'enforced' : 'NOT ENFORCED on this cluster: its network plugin knows none'}`);
    for (const knocker of knockers) t.diagnostic(`${knocker.says} reached what is forbidden: ${opened(knocker).join(', ') || 'nothing'}`);
    if (enforced) {
      for (const knocker of knockers) assert.deepEqual(opened(knocker), [], knocker.says);
      return;
    }
    assert.ok(isLocalCluster(), 'only of the local cluster is it known that it enforces none');
    const page = readFileSync(join(import.meta.dirname, '../../docs/cluster.md'), 'utf8');
    assert.match(page, /\*\*Network policies are not enforced here\.\*\*/);
  });

  test('nothing leads out of the local cluster, policies or not', { skip: !isLocalCluster() }, () => {
    for (const { says } of knockers) assert.equal(at(says, 'beyond the cluster').open, false, says);
  });

  test('behind each door that is open there is another lock: nobody gets on without a name', () => {
    for (const { says } of knockers) {
      const locks: Record<string, RegExp> = {
        'the API server': /^(401|403)$/,
        'the kubelet': /^(401|403)$/,
        PostgreSQL: /^authentication 10$/,
      };
      for (const [door, lock] of Object.entries(locks)) {
        const { open, said } = at(says, door);
        if (open) assert.match(said, lock, `${says} at ${door}`);
      }
    }
  });
});
