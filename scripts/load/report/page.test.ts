import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf, type Run, type Sample } from '../figures.ts';
import { scenarioNames } from '../scenarios.ts';
import { pageOf } from './page.ts';
import { clock, roundUp, stepPath, timeTicks } from './svg.ts';

const began = Date.UTC(2026, 0, 1);
const runOf = (scenario: string, samples: readonly Sample[]): Run => ({
  scenario,
  target: 'https://record.local:8443',
  settings: { during: '</script><b>&' },
  machine: { cores: 2, memoryGib: 4, model: 'A <processor>', generator: 'vegeta' },
  interrupted: false,
  commandEnded: 0,
  began,
  ended: began + 20_000,
  samples,
  pods: [0, 1, 0].map((desired, index) => ({ functionName: 'records-get-record', at: began + index * 9000, desired, ready: desired })),
  marks: [{ at: 10, says: 'the command <begins>' }],
  planned: samples.length,
  sent: samples.length,
  dropped: 0,
  plannedRate: () => 10,
});
const samples = (count: number): Sample[] =>
  Array.from({ length: count }, (_, index) => ({
    functionName: 'records-get-record',
    kind: 'get',
    dialect: index % 5 === 0 ? 'grpc' : 'rest',
    due: (index / count) * 15_000,
    lateMs: 0,
    latencyMs: 3 + (index % 17) * (index % 5),
    status: index === 3 ? 503 : 200,
    reason: index === 3 ? '503 <UPSTREAM>' : undefined,
  }));

for (const scenario of scenarioNames)
  for (const count of [0, 1, 5000])
    test(`the page of ${scenario} with ${count} requests is whole: it loads nothing, draws only numbers, and shows others' words as words`, () => {
      const page = pageOf(figuresOf(runOf(scenario, samples(count))));
      const drawn = page.replace(/<script>.*<\/script>/s, '');
      // Its words alone: a whole page is no message.
      const found = (pattern: RegExp, text: string): string[] => text.match(new RegExp(`.{0,40}(?:${pattern.source}).{0,40}`)) ?? [];
      assert.deepEqual(found(/(?:src|href)\s*=|@import|url\(|fetch\(/, page), []);
      assert.deepEqual(found(/NaN|undefined|Infinity/, drawn), []);
      assert.deepEqual(found(/<processor>|<begins>|<UPSTREAM>|<\/script><b>/, page), []);
      assert.equal(page.match(/<svg /g)?.length, page.match(/<\/svg>/g)?.length);
    });

test('axes count in steps that people count in', () => {
  assert.deepEqual(timeTicks(60, 8), [0, 10, 20, 30, 40, 50, 60]);
  assert.deepEqual(timeTicks(0.5, 8), [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual([45, 60, 150].map(clock), ['45 s', '1:00', '2:30']);
  assert.deepEqual([0.9, 13, 130, 999, 1000].map(roundUp), [1, 16, 160, 1000, 1000]);
});

test('a step keeps its value until the next', () =>
  assert.equal(
    stepPath(
      [
        [0, 9],
        [5, 3],
      ],
      20,
    ),
    'M0 9H5V3H20',
  ));
