import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, startLoad, type Tallies } from '../../scripts/e2e/load.ts';
import { type TestCluster, testCluster } from '../manifests/testing/cluster.ts';
import { keepFigures } from './figures.ts';
import { podsOf, replacePods, untilPods } from './functions.ts';
import { startGrpcReads } from './grpc-reads.ts';
import { ledger } from './ledger.ts';
import { processesOf } from './processes.ts';
import { type Steady, steadyLoad } from './steady-load.ts';

const killed = ['records-get-record', 'records-search-records', 'records-create-record'] as const;
/** What startLoad sends a second, in all its kinds. */
const ledgerRate = 56;

describe('under load, a function’s process is killed', { timeout: 1_200_000 }, () => {
  let cluster: TestCluster;
  let steady: Steady;
  let load: Load;
  before(async () => {
    cluster = await testCluster();
    steady = await steadyLoad();
    // A container that has crashed before is started again only after 10 s, 20 s …: who ran this a minute ago gets new ones.
    for (const name of killed) await replacePods(cluster, name);
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
    const victims = (await podsOf(cluster, name)).filter(({ containerId }) => processesOf(containerId).length > 0);
    assert.ok(victims.length > 0, `${name} runs`);
    for (const pid of victims.flatMap(({ containerId }) => processesOf(containerId))) process.kill(pid, 'SIGKILL');
    const dead = new Set(victims.map(({ containerId }) => containerId));
    await untilPods(cluster, name, 90, (pods) => pods.some(({ ready, containerId }) => ready && !dead.has(containerId)));
  }

  async function during(t: TestContext, name: string, act: () => Promise<void>): Promise<Tallies> {
    load.take();
    // A third is gRPC by a client with a retry policy; the rest of what is not the ledger's are REST reads, which the edge alone tries again.
    const grpcRate = Math.ceil(0.2 * steady.capacity);
    const beside = ledgerRate + grpcRate;
    const endGrpc = startGrpcReads(steady.edge, steady.accounts, grpcRate);
    const seen = await steady.during({ beside, mix: { get: 60, list: 25, search: 10 }, grpc: 0 }, act);
    const grpc = await endGrpc();
    const writes = await load.pause();
    const tallies = load.take();
    const written = await ledger(cluster, writes);
    load.resume();
    const kinds = Object.fromEntries(
      Object.entries(tallies).map(([kind, { lastGoodAt, why, ...tally }]) => [kind, { ...tally, why: [...why] }]),
    );
    keepFigures(t, name, steady.capacity, { ...seen, rate: seen.rate + beside }, { grpcReads: grpc, ...kinds, ledger: written });
    assert.deepEqual(seen.reasons, {}, 'REST reads');
    assert.deepEqual(grpc.reasons, {}, 'gRPC reads');
    assert.ok(seen.rate + beside >= 0.6 * steady.capacity);
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

  const [getRecord, searchRecords, createRecord] = killed;
  for (const name of [getRecord, searchRecords])
    test(`${name}: no read fails, by another try at the edge or of the client`, async (t) => {
      await during(t, `killed ${name}`, () => kill(name));
    });

  test(`${createRecord}, with writes in it: done or refused with Retry-After, once, and none is lost`, async (t) => {
    await during(t, `killed ${createRecord}`, async () => {
      load.burst(60);
      await sleep(20);
      await kill(createRecord);
    });
  });
});
