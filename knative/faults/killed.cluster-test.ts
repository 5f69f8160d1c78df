import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, startLoad, type Tallies } from '../../scripts/e2e/load.ts';
import { type TestCluster, testCluster } from '../manifests/testing/cluster.ts';
import { keepFigures } from './figures.ts';
import { podsOf, untilPods } from './functions.ts';
import { ledger } from './ledger.ts';
import { processesOf } from './processes.ts';
import { type Steady, steadyLoad } from './steady-load.ts';

/** What startLoad sends a second, in all its kinds. */
const ledgerRate = 56;

describe('under load, a function’s process is killed', { timeout: 1_200_000 }, () => {
  let cluster: TestCluster;
  let steady: Steady;
  let load: Load;
  before(async () => {
    cluster = await testCluster();
    steady = await steadyLoad();
    load = startLoad(
      steady.edge,
      steady.accounts.map(({ token, records }) => ({ token, ids: records.map(({ id }) => id) })),
    );
  });
  after(async () => {
    await load?.stop();
    steady?.close();
  });

  /** SIGKILL to the function's process and not to its pod, of which queue-proxy lives on. */
  async function kill(name: string): Promise<void> {
    const victims = (await podsOf(cluster, name)).filter(({ ending }) => !ending);
    assert.ok(victims.length > 0, `${name} has a pod`);
    const pids = victims.flatMap(({ containerId }) => processesOf(containerId));
    assert.ok(pids.length >= victims.length, `${name}: ${pids.length} processes of ${victims.length} pods`);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    const dead = new Set(victims.map(({ containerId }) => containerId));
    await untilPods(cluster, name, 90, (pods) => pods.some(({ ready, containerId }) => ready && !dead.has(containerId)));
  }

  async function during(t: TestContext, name: string, act: () => Promise<void>): Promise<Tallies> {
    load.take();
    // REST reads alone, which nobody but the edge tries again; gRPC with the client's retry policy, and writes, come from the other load.
    const seen = await steady.during({ beside: ledgerRate, mix: { get: 60, list: 25, search: 10 }, grpc: 0 }, act);
    const writes = await load.pause();
    const tallies = load.take();
    const written = await ledger(cluster, writes);
    load.resume();
    const kinds = Object.fromEntries(
      Object.entries(tallies).map(([kind, { lastGoodAt, why, ...tally }]) => [kind, { ...tally, why: [...why] }]),
    );
    keepFigures(t, name, steady.capacity, { ...seen, rate: seen.rate + ledgerRate }, { ...kinds, ledger: written });
    assert.deepEqual(seen.reasons, {}, 'REST reads');
    assert.ok(seen.rate + ledgerRate >= 0.6 * steady.capacity);
    for (const [kind, { strange, good }] of Object.entries(tallies)) {
      assert.deepEqual(strange, [], kind);
      assert.ok(good > 0, kind);
    }
    for (const kind of ['REST read', 'gRPC read'] as const) {
      const { unavailable, lost, why } = tallies[kind];
      assert.deepEqual({ unavailable, lost, why: [...why] }, { unavailable: 0, lost: 0, why: [] }, kind);
    }
    assert.equal(tallies['REST write'].lost, 0, 'a write is refused with Retry-After, or done');
    assert.deepEqual({ lost: written.lost, doubled: written.doubled }, { lost: 0, doubled: 0 });
    return tallies;
  }

  for (const name of ['records-get-record', 'records-search-records'])
    test(`${name}: no read fails, by another try at the edge or of the client`, async (t) => {
      await during(t, `killed ${name}`, () => kill(name));
    });

  test('records-create-record, with writes in it: done or refused with Retry-After, once, and none is lost', async (t) => {
    await during(t, 'killed records-create-record', async () => {
      load.burst(60);
      await sleep(20);
      await kill('records-create-record');
    });
  });

  test('records-get-record once more, when Kubernetes waits 10 s before it starts it again', async (t) => {
    await during(t, 'killed records-get-record again', async () => {
      await kill('records-get-record');
      await sleep(2000);
      await kill('records-get-record');
    });
  });
});
