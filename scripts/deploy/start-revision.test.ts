import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startingStep } from './start-revision.ts';
import { following, pinned, split, type Target } from './traffic.ts';

const state = (...traffic: Target[]) => ({ name: 'f', traffic, latestCreated: 'f-3', latestReady: 'f-3' });
const tenth = (leader: string, next: string) => ({
  starts: next,
  traffic: [
    { revisionName: leader, percent: 90 },
    { revisionName: next, percent: 10 },
  ],
});

describe('a revision that is to have the requests takes a tenth at first', () => {
  const cases: { name: string; now: Target[]; wanted: Target[]; step: ReturnType<typeof startingStep> }[] = [
    { name: 'a rollback', now: following(), wanted: pinned('f-2'), step: tenth('f-3', 'f-2') },
    { name: 'the way back', now: pinned('f-2'), wanted: following(), step: tenth('f-2', 'f-3') },
    { name: 'a promotion', now: split('f-2', 'f-3', 20), wanted: following(), step: tenth('f-2', 'f-3') },
    { name: 'not what has them already', now: split('f-2', 'f-3', 20), wanted: pinned('f-2'), step: undefined },
    { name: 'not a canary, which is a part itself', now: pinned('f-2'), wanted: split('f-2', 'f-3', 10), step: undefined },
    { name: 'not where nothing ran', now: [], wanted: following(), step: undefined },
  ];
  for (const { name, now, wanted, step } of cases) test(name, () => assert.deepEqual(startingStep(state(...now), wanted), step));
});
