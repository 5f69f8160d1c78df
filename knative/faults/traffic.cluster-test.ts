import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestCluster, testCluster } from '../manifests/testing/cluster.ts';
import { keepFigures } from './figures.ts';
import { anotherCommit, answeredBy, called, deploy } from './functions.ts';
import { assertNoneFailed, type Steady, steadyLoad } from './steady-load.ts';

const [watched = ''] = called;

describe('under load, requests are led to another revision and none is lost', { timeout: 1_200_000 }, () => {
  let cluster: TestCluster;
  let steady: Steady;
  let old: string;
  before(async () => {
    cluster = await testCluster();
    await deploy(cluster, '--unpin', ...called);
    steady = await steadyLoad();
  });
  beforeEach(async () => {
    await anotherCommit(cluster, called);
    old = await newest();
  });
  afterEach(() => deploy(cluster, '--unpin', ...called));
  after(() => steady?.close());

  const newest = async (): Promise<string> => (await cluster.revisions()).get(watched) ?? '';

  test('a canary, a larger share for it, its promotion: both revisions answer, and then the new one alone', async (t) => {
    let half = new Map<string, number>();
    let promoted = new Map<string, number>();
    const seen = await steady.during({}, async (step) => {
      step('10 %');
      await deploy(cluster, '--canary', '10', ...called);
      step('50 %');
      await deploy(cluster, '--canary', '50', ...called);
      await sleep(10_000);
      half = await answeredBy(cluster, watched, 8);
      step('promotion');
      await deploy(cluster, '--promote', ...called);
      step('promoted');
      await sleep(10_000);
      promoted = await answeredBy(cluster, watched, 5);
    });
    keepFigures(t, 'canary', steady.capacity, seen, { half: Object.fromEntries(half), promoted: Object.fromEntries(promoted) });
    const [ofOld = 0, ofNew = 0] = [half.get(old), half.get(await newest())];
    const share = ofNew / (ofOld + ofNew);
    assert.ok(share > 0.4 && share < 0.6, `${ofOld} of the old one's, ${ofNew} of the new one's`);
    assertAlone(promoted, await newest());
    assertNoneFailed(seen, steady.capacity);
  });

  test('a rollback to the revision before, and the way back', async (t) => {
    await deploy(cluster, ...called);
    let rolledBack = new Map<string, number>();
    const seen = await steady.during({}, async (step) => {
      step('rollback');
      await deploy(cluster, '--rollback', ...called);
      step('rolled back');
      await sleep(10_000);
      rolledBack = await answeredBy(cluster, watched, 5);
      step('unpinning');
      await deploy(cluster, '--unpin', ...called);
      step('unpinned');
      await sleep(10_000);
    });
    keepFigures(t, 'rollback', steady.capacity, seen, { rolledBack: Object.fromEntries(rolledBack) });
    assertAlone(rolledBack, old);
    assertNoneFailed(seen, steady.capacity);
  });
});

function assertAlone(answered: ReadonlyMap<string, number>, revision: string): void {
  assert.deepEqual(
    [...answered].filter(([, count]) => count > 0).map(([name]) => name),
    [revision],
  );
}
