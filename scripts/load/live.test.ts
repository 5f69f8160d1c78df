import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Sample } from './figures.ts';
import { duration, lineOf, pictureOf, spark } from './live.ts';
import type { Progress } from './run.ts';

const sample = (due: number, latencyMs: number, reason?: string): Sample => ({
  functionName: 'records-get-record',
  kind: 'get',
  dialect: 'rest',
  due,
  lateMs: 0,
  latencyMs,
  status: reason === undefined ? 200 : 503,
  reason,
});
const progress: Progress = {
  doing: 'sending',
  seconds: 60,
  ofSeconds: 120,
  // The last five seconds count: ten answers, two a second.
  samples: [
    sample(1000, 900),
    ...Array.from({ length: 10 }, (_, index) => sample(55_500 + 400 * index, 10 + index, index === 4 ? '503' : undefined)),
  ],
  late: 3,
  failed: 1,
  failedOf: new Map([['records-get-record', 1]]),
  underWay: 7,
  plannedRate: 2,
  dropped: 4,
  pods: new Map([
    ['records-get-record', { desired: 3, ready: 2 }],
    ['auth-register', { desired: 0, ready: 0 }],
  ]),
};

describe('what one sees while a load runs', () => {
  test('a line tells rate, percentiles, counts, and the pods that are there', () =>
    assert.equal(
      lineOf(progress),
      '01:00 | sending | 2.0/s of 2.0/s | p50 14.0 ms  p95 19.0 ms  p99 19.0 ms | answered 11  failed 1  late 3  dropped 4  under way 7 | pods records-get-record 2/3',
    ));

  test('a line without a cluster says nothing of pods', () => assert.doesNotMatch(lineOf({ ...progress, pods: undefined }), /pods/));

  test('the picture has a line for each function that was called or has pods', () => {
    const lines = pictureOf('ramp https://record.local:8443', progress, 100).map(stripVTControlCharacters);
    assert.match(lines[1] ?? '', /^ramp https:\/\/record.local:8443 {2}01:00 of 02:00 {2}━{12}─{12} {2}sending$/);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('records-') || line.startsWith('auth-')),
      ['records-get-record            2.0/s    14.0 ms    19.0 ms       1   ●●○ 2/3'],
    );
    assert.ok(lines.every((line) => line.length <= 100));
  });

  test('bars are as tall as what they show, and something is never nothing', () => {
    assert.equal(spark([0, 1, 50, 100], 4), ' ▁▄█');
    assert.equal(spark([1, 2, 3], 2), '▅█');
    assert.equal(spark([0, 0], 2), '  ');
  });

  test('a time has the unit that fits', () =>
    assert.deepEqual([0.4, 99.96, 250, 1234].map(duration), ['0.4 ms', '100.0 ms', '250 ms', '1.23 s']));
});
