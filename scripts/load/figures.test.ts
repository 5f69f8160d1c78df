import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  coldStartsOf,
  figuresOf,
  histogramOf,
  latenciesOf,
  percentile,
  type Run,
  rowOf,
  rows,
  type Sample,
  scalingOf,
  secondsOf,
  turnsOf,
} from './figures.ts';

const began = Date.UTC(2026, 0, 1);
const sample = (more: Partial<Sample>): Sample => ({
  functionName: 'records-get-record',
  kind: 'get',
  dialect: 'rest',
  due: 0,
  lateMs: 0,
  latencyMs: 5,
  status: 200,
  reason: undefined,
  ...more,
});
const pods = (...points: [at: number, desired: number, ready: number][]) =>
  points.map(([at, desired, ready]) => ({ functionName: 'records-get-record', at: began + at * 1000, desired, ready }));

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  for (const { share, of, expected } of [
    { share: 0.5, of: hundred, expected: 50 },
    { share: 0.95, of: hundred, expected: 95 },
    { share: 0.99, of: hundred, expected: 99 },
    { share: 1, of: hundred, expected: 100 },
    { share: 0.5, of: [1, 2, 3], expected: 2 },
    { share: 0.99, of: [7], expected: 7 },
    { share: 0.5, of: [], expected: 0 },
  ])
    test(`${share} of ${of.length} is one of them, the nearest rank: ${expected}`, () => assert.equal(percentile(of, share), expected));

  test('does not mind the order in which the answers came', () => {
    const { p50, p95, max, mean, count } = latenciesOf([30, 10, 20]);
    assert.deepEqual({ p50, p95, max, mean, count }, { p50: 20, p95: 30, max: 30, mean: 20, count: 3 });
  });
});

test('each latency is in the row whose bounds are around it', () => {
  for (const ms of [0, 0.4, 0.5, 0.63, 1, 3.7, 50, 999, 31_000]) {
    const row = rowOf(ms);
    assert.ok((rows[row] as number) <= ms + 0.001 && ms < (rows[row + 1] ?? Number.POSITIVE_INFINITY) + 0.001, `${ms} in ${row}`);
  }
  assert.equal(
    histogramOf([1, 1, 400]).reduce((sum, count) => sum + count),
    3,
  );
});

test('requests count in the second in which they were due, failed and late ones too', () => {
  const samples = [sample({ due: 100 }), sample({ due: 900, lateMs: 51 }), sample({ due: 1500, reason: '503' }), sample({ due: 9000 })];
  const seconds = secondsOf(samples, 2, () => 2);
  assert.deepEqual(
    seconds.map(({ at, planned, sent, failed, late }) => ({ at, planned, sent, failed, late })),
    [
      { at: 0, planned: 2, sent: 2, failed: 0, late: 1 },
      { at: 1, planned: 2, sent: 2, failed: 1, late: 0 },
    ],
  );
});

describe('flaps', () => {
  for (const { name, series, expected } of [
    { name: 'nothing happened', series: [0, 0, 0], expected: { turns: 0, flaps: 0 } },
    { name: 'up alone', series: [0, 1, 3], expected: { turns: 0, flaps: 0 } },
    { name: 'up and down again is one turn and no flap', series: [0, 3, 3, 1, 0], expected: { turns: 1, flaps: 0 } },
    { name: 'taken away and wanted again is a flap', series: [0, 3, 2, 4, 0], expected: { turns: 3, flaps: 1 } },
    { name: 'twice', series: [5, 4, 5, 4, 5], expected: { turns: 3, flaps: 2 } },
  ])
    test(name, () => assert.deepEqual(turnsOf(series), expected));
});

describe('cold starts', () => {
  test('a pod that comes from none, with the first request that waited for it', () => {
    const scaling = scalingOf(pods([0, 0, 0], [1.2, 1, 0], [2.5, 1, 1]), began);
    const samples = [sample({ due: 1000, latencyMs: 1600 }), sample({ due: 1100, latencyMs: 1500 }), sample({ due: 3000 })];
    assert.deepEqual(coldStartsOf(scaling, samples), [
      { functionName: 'records-get-record', wantedAt: 1.2, readyAt: 2.5, firstRequest: { at: 1, latencyMs: 1600 } },
    ]);
  });

  test('more pods are no cold start, and going to zero and coming back is a second one', () => {
    const scaling = scalingOf(pods([0, 0, 0], [1, 1, 0], [2, 1, 1], [3, 3, 1], [4, 3, 3], [60, 0, 0], [70, 1, 0], [71, 1, 1]), began);
    const samples = [sample({ due: 900, latencyMs: 1200 }), sample({ due: 69_900, latencyMs: 1300 })];
    assert.deepEqual(
      coldStartsOf(scaling, samples).map(({ readyAt, firstRequest }) => [readyAt, firstRequest?.latencyMs]),
      [
        [2, 1200],
        [71, 1300],
      ],
    );
  });

  test('a pod that nobody asked for has no first request', () => {
    const scaling = scalingOf(pods([0, 0, 0], [1, 1, 0], [2, 1, 1]), began);
    assert.equal(coldStartsOf(scaling, [sample({ due: 5000 })])[0]?.firstRequest, undefined);
  });

  test('what was before the first request counts only as how it was then', () => {
    const [scaling] = scalingOf(pods([-60, 1, 1], [-5, 0, 0], [1, 1, 1]), began);
    assert.deepEqual(scaling?.points, [
      { at: 0, desired: 0, ready: 0 },
      { at: 1, desired: 1, ready: 1 },
    ]);
  });
});

test('the totals tell what was sent, failed, late, dropped, and what nobody answered', () => {
  const samples = [sample({ due: 0 }), sample({ due: 1000, reason: '404 NOT_FOUND', status: 404 }), sample({ due: 2000, lateMs: 80 })];
  const run: Run = {
    scenario: 'steady',
    target: 'https://record.local:8443',
    settings: {},
    machine: {},
    interrupted: true,
    commandEnded: 0,
    began,
    ended: began + 3000,
    samples,
    pods: [],
    marks: [],
    planned: 6,
    sent: 4,
    dropped: 2,
    plannedRate: () => 2,
  };
  const { totals, reasons, failures } = figuresOf(run);
  assert.deepEqual(totals, { planned: 6, sent: 4, failed: 1, late: 1, dropped: 2, unanswered: 1, rate: 1.5 });
  assert.deepEqual(reasons, [{ functionName: 'records-get-record', reason: '404 NOT_FOUND', count: 1 }]);
  assert.equal(failures[0]?.at, 1);
});
