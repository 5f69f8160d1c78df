import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ScenarioName, scenarios } from './scenarios.ts';
import { plannedBy, plannedCount, plannedRate, secondsOf } from './schedule.ts';

const scheduleOf = (name: ScenarioName) => scenarios[name].schedule({ rate: 100, seconds: 60, requests: 200 });

test('each scenario asks for the requests that it promises', () => {
  const counts = Object.fromEntries((Object.keys(scenarios) as ScenarioName[]).map((name) => [name, plannedCount(scheduleOf(name))]));
  assert.deepEqual(counts, { steady: 6000, ramp: 3600, burst: 200, 'from-zero': 1, rollout: 6000 });
});

test('a ramp goes up to its rate, stays, and comes down', () => {
  const ramp = scheduleOf('ramp');
  assert.equal(secondsOf(ramp), 60);
  assert.deepEqual(
    [0, 12, 24, 30, 36, 48, 60, 61].map((at) => Math.round(plannedRate(ramp, at))),
    [0, 50, 100, 100, 100, 50, 0, 0],
  );
});

test('what is due until a time follows the rate, and all is due at the end', () => {
  const ramp = scheduleOf('ramp');
  assert.equal(plannedBy(ramp, -1), 0);
  assert.equal(plannedBy(ramp, 12), 300);
  assert.equal(plannedBy(ramp, 24), 1200);
  assert.equal(Math.round(plannedBy(ramp, 60)), plannedCount(ramp));
  assert.equal(Math.round(plannedBy(ramp, 999)), plannedCount(ramp));
});
