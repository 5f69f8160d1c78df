import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { defaultLimits } from '../../functions/runtime/define-function.ts';
import { findFunctions } from '../../scripts/build/functions.ts';
import { generateManifests } from './generate.ts';
import { readFunctions } from './read-functions.ts';
import { readManifests } from './render.ts';
import { renderService } from './service.ts';

const root = join(import.meta.dirname, '../..');
// biome-ignore lint/suspicious/noExplicitAny: looked into
const render = (limits: object, secrets: string[] = ['DATABASE_URL']): any =>
  renderService({ name: 'records-get-record', package: 'records', limits: { ...defaultLimits, ...limits }, secrets });

describe('a function’s Knative Service', () => {
  test('is its limits', () => {
    const { spec } = render({ concurrency: 7, scaleMin: 1, scaleMax: 9, memoryMib: 300, cpuMilli: 250 }).spec.template;
    const { annotations } = render({ scaleMin: 1, scaleMax: 9 }).spec.template.metadata;
    assert.equal(spec.containerConcurrency, 7);
    assert.deepEqual([annotations['autoscaling.knative.dev/min-scale'], annotations['autoscaling.knative.dev/max-scale']], ['1', '9']);
    assert.deepEqual(spec.containers[0].resources, { requests: { cpu: '250m', memory: '300Mi' }, limits: { memory: '300Mi' } });
  });

  test('gives a pod the time to drain: queue-proxy’s 30 s, the function’s 25 s, and some to exit; longer for longer calls', () => {
    assert.equal(render({ timeoutSeconds: 5 }).spec.template.spec.timeoutSeconds, 60);
    assert.equal(render({ timeoutSeconds: 300 }).spec.template.spec.timeoutSeconds, 305);
    assert.throws(() => render({ timeoutSeconds: 600 }), /Knative allows 600 s/);
  });

  test('is the same for kn and kubectl: no container name, no revision name, no traffic, every default of a probe', () => {
    const { spec } = render({});
    assert.deepEqual(Object.keys(spec), ['template']);
    assert.equal(spec.template.metadata.name, undefined);
    const [container] = spec.template.spec.containers;
    assert.equal(container.name, undefined);
    for (const probe of [container.readinessProbe, container.livenessProbe]) {
      assert.deepEqual(Object.keys(probe).sort(), ['failureThreshold', 'httpGet', 'periodSeconds', 'successThreshold', 'timeoutSeconds']);
      assert.deepEqual(Object.keys(probe.httpGet).sort(), ['path', 'port', 'scheme']);
    }
  });

  test('has no field that Serving refuses', () => {
    const { spec } = render({}).spec.template;
    for (const field of ['securityContext', 'affinity', 'topologySpreadConstraints', 'priorityClassName', 'initContainers'])
      assert.equal(spec[field], undefined, field);
    assert.equal(spec.terminationGracePeriodSeconds, undefined);
    const [container] = spec.containers;
    assert.equal(container.lifecycle, undefined);
    assert.equal(container.ports.length, 1);
    assert.ok(container.env.every(({ name }: { name: string }) => name !== 'PORT'));
  });

  test('names the secrets that the function reads, and no value', async () => {
    const functions = await readFunctions(root);
    const secrets = Object.fromEntries(functions.map(({ name, secrets }) => [name, secrets]));
    assert.deepEqual(secrets['records-get-record'], ['DATABASE_URL']);
    assert.deepEqual(secrets['records-search-records'], ['DATABASE_URL', 'PAGE_TOKEN_KEY']);
    assert.deepEqual(secrets['auth-refresh-token'], ['DATABASE_URL', 'KEY_ENCRYPTION_KEY', 'REFRESH_TOKEN_KEY']);
    assert.deepEqual(render({}, ['PAGE_TOKEN_KEY']).spec.template.spec.containers[0].env, [
      { name: 'PAGE_TOKEN_KEY', valueFrom: { secretKeyRef: { name: 'records-secrets', key: 'PAGE_TOKEN_KEY' } } },
    ]);
  });
});

test('every function has its Service, its address at the edge and its place in kustomization.yaml', async () => {
  const outputs = await generateManifests(root);
  const names = findFunctions(root).map(({ name }) => name);
  for (const name of names) assert.ok(outputs.has(`knative/generated/functions/${name}.yaml`), name);
  const [kustomization] = readManifests(String(outputs.get('knative/generated/functions/kustomization.yaml')));
  assert.deepEqual(kustomization?.resources, [...names.map((name) => `${name}.yaml`), 'service-accounts.yaml'].sort());
  const upstreams = String(outputs.get('knative/generated/edge/upstreams.env'));
  assert.match(upstreams, /^RECORDS_GET_RECORD_UPSTREAM=records-get-record\.record-platform\.svc\.cluster\.local:80$/m);
  assert.equal(upstreams.match(/_UPSTREAM=/g)?.length, names.length);
});
