import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertTakesTraffic } from './change-traffic.ts';
import { following, knTraffic, modeOf, pinned, rollbackTo, type ServiceState, split, type Target } from './traffic.ts';

const state = (traffic: readonly Target[], latestReady = 's-3'): ServiceState => ({
  name: 's',
  traffic,
  latestCreated: latestReady,
  latestReady,
});
const revisions = [1, 2, 3].map((generation) => ({ name: `s-${generation}`, generation, usable: true }));

describe('who gets a function’s requests', () => {
  const cases: { name: string; traffic: readonly Target[]; mode: ReturnType<typeof modeOf> }[] = [
    { name: 'nothing said: the newest', traffic: [], mode: { kind: 'follows' } },
    { name: 'the newest, said', traffic: following(), mode: { kind: 'follows' } },
    { name: 'a rollback', traffic: pinned('s-2'), mode: { kind: 'pinned', revision: 's-2' } },
    { name: 'a canary', traffic: split('s-2', 's-3', 10), mode: { kind: 'canary', stable: 's-2', canary: 's-3', percent: 10 } },
    {
      name: 'a canary as kn writes it: the tag apart from the percent',
      traffic: [
        { revisionName: 's-2', percent: 90 },
        { revisionName: 's-3', percent: 10, tag: 'canary' },
      ],
      mode: { kind: 'canary', stable: 's-2', canary: 's-3', percent: 10 },
    },
  ];
  for (const { name, traffic, mode } of cases) test(name, () => assert.deepEqual(modeOf(state(traffic)), mode));

  test('a rollback goes one revision back, over those that never came up; from a canary to what was before it', () => {
    assert.equal(rollbackTo(state(following()), revisions), 's-2');
    assert.equal(rollbackTo(state(pinned('s-2')), revisions), 's-1');
    assert.equal(rollbackTo(state(pinned('s-1')), revisions), undefined);
    const broken = revisions.map((each) => ({ ...each, usable: each.name !== 's-2' }));
    assert.equal(rollbackTo(state(following()), broken), 's-1');
    assert.equal(rollbackTo(state(split('s-1', 's-3', 5)), revisions), 's-1');
  });

  test('the kn commands are those that were tried', () => {
    const follows = modeOf(state(following()));
    assert.equal(
      knTraffic('ns', 's', split('s-2', 's-3', 10), follows),
      'kn -n ns service update s --tag s-3=canary --traffic s-2=90 --traffic s-3=10',
    );
    assert.equal(
      knTraffic('ns', 's', following(), modeOf(state(split('s-2', 's-3', 10)))),
      'kn -n ns service update s --untag canary --traffic @latest=100',
    );
    assert.equal(knTraffic('ns', 's', pinned('s-2'), follows), 'kn -n ns service update s --traffic s-2=100');
  });

  test('a deploy that would get no requests is refused, with the way out, unless it is meant', () => {
    const usual = { canary: undefined, unpin: false };
    assertTakesTraffic([state(following())], usual);
    assert.throws(
      () => assertTakesTraffic([state(pinned('s-2'))], usual),
      /rolled back to s-2: a new revision would get no requests[\s\S]*--unpin/,
    );
    assert.throws(
      () => assertTakesTraffic([state(split('s-2', 's-3', 10))], usual),
      /in a canary \(s-3 gets 10 %\)[\s\S]*--promote or --rollback/,
    );
    assertTakesTraffic([state(pinned('s-2'))], { canary: undefined, unpin: true });
    assertTakesTraffic([state(pinned('s-2'))], { canary: 10, unpin: false });
  });
});
