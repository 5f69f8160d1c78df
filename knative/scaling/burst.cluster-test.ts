import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Kubectl } from '../../scripts/deploy/kubectl.ts';
import type { Figures } from '../../scripts/load/figures.ts';
import { quick } from '../cluster/quick.ts';
import { readCapacity } from '../manifests/capacity.ts';
import { testCluster } from '../manifests/testing/cluster.ts';
import { watchBackends } from './backends.ts';
import { refusedByBreakers } from './breaker.ts';
import { machine, untilQuiet } from './machine.ts';
import { resultsFolder, writeResult } from './results.ts';
import type { Burst } from './tables.ts';

const root = join(import.meta.dirname, '../..');
const quietSeconds = quick ? 1 : 60;
/** What `npm run load` makes for 50 users takes a minute of hashing, the first time. */
const users = quick ? 5 : 20;

describe('all at once, from zero, through the edge', { timeout: 30 * 60_000 }, () => {
  let kubectl: Kubectl;
  const bursts: Burst[] = [];
  before(async () => {
    ({ kubectl } = await testCluster());
  });

  /** Runs `npm run load -- --scenario burst`, and looks at PostgreSQL and Envoy meanwhile. */
  async function burst(name: string, requests: number, ...more: string[]): Promise<Burst> {
    const quiet = await untilQuiet(quietSeconds);
    const out = join(resultsFolder(), name);
    mkdirSync(out, { recursive: true });
    const before = await refusedByBreakers(kubectl);
    const endBackends = await watchBackends(kubectl);
    const args = ['--scenario', 'burst', '--requests', String(requests), '--users', String(users), '--out', out, ...more];
    const child = spawn(process.execPath, [join(root, 'scripts/load.ts'), ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    const code = await new Promise((resolve) => child.once('close', resolve));
    const backends = await endBackends();
    assert.ok(code === 0 || code === 1, `npm run load -- ${args.join(' ')} ended with ${code}`);
    const figures = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Figures;
    const seen = { name, figures, backends, refusedByBreakers: (await refusedByBreakers(kubectl)) - before, quiet };
    bursts.push(seen);
    writeResult('burst', { measuredAt: new Date().toISOString(), machine: machine(), bursts });
    assert.equal(figures.totals.sent, requests, 'all were sent');
    return seen;
  }

  const assertNoneFailed = ({ figures, refusedByBreakers: refused }: Burst): void => {
    assert.deepEqual(figures.reasons, []);
    assert.equal(refused, 0, 'Envoy’s breakers refused nothing');
  };

  test('200 requests at once: every one gets its answer', async () => {
    assertNoneFailed(await burst('burst-200', 200));
  });

  // These take minutes, which CI has not.
  if (!quick) {
    test('2,000 at once: none meets Envoy’s limit of 1,024, every one gets its answer', async () => {
      assertNoneFailed(await burst('burst-2000', 2000));
    });

    test('three functions from none to their most at once', async () => {
      const { figures, refusedByBreakers: refused } = await burst('burst-three-functions', 2400, '--mix', 'get=1,list=1,me=1');
      assert.equal(refused, 0, 'Envoy’s breakers refused nothing');
      // More than two cores start in time: whom the edge sends away when it has waited long enough is told to come again.
      const others = figures.reasons.filter(({ reason }) => !/^503 UPSTREAM_UNAVAILABLE|^UNAVAILABLE /.test(reason));
      assert.deepEqual(others, []);
    });
  }

  test('PostgreSQL never has more backends than PgBouncer’s pools', () => {
    const { default_pool_size, reserve_pool_size, max_db_connections } = readCapacity(root);
    for (const { name, backends } of bursts) {
      assert.ok(backends.samples > 20, `${name}: looked ${backends.samples} times`);
      assert.ok(backends.most <= max_db_connections, `${name}: ${backends.most}`);
      for (const [role, most] of Object.entries(backends.mostOf))
        assert.ok(most <= default_pool_size + reserve_pool_size, `${name}: ${role} ${most}`);
    }
  });
});
