import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadlines } from './deadlines.ts';

test('what is still waiting at its deadline expires, in order, once', async () => {
  const deadlines = new Deadlines(40);
  const expired: string[] = [];
  const waiting = ['a', 'b', 'c', 'd'].map((name) => ({ expire: () => void expired.push(name) }));
  for (const one of waiting) deadlines.add(one, performance.now());
  deadlines.remove(waiting[0] as never); // the head
  deadlines.remove(waiting[2] as never); // the middle
  await sleep(20);
  const late = { expire: () => void expired.push('late') };
  deadlines.add(late, performance.now());
  assert.deepEqual(expired, []);
  await sleep(35);
  assert.deepEqual(expired, ['b', 'd']);
  await sleep(40);
  assert.deepEqual(expired, ['b', 'd', 'late']);
  deadlines.remove(late); // has no effect any more
});

test('removing the only one leaves a list that works', async () => {
  const deadlines = new Deadlines(20);
  const never = { expire: () => assert.fail('was removed') };
  deadlines.add(never, performance.now());
  deadlines.remove(never);
  deadlines.remove(never);
  const expires = new Promise<void>((resolve) => deadlines.add({ expire: resolve }, performance.now()));
  await sleep(30);
  await expires;
});
