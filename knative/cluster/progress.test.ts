import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, progress } from './progress.ts';

test('durations read like a clock', () => {
  assert.deepEqual([420, 41_200, 187_000].map(duration), ['0.4 s', '41 s', '3 min 07 s']);
});

test('without a terminal a quick step says nothing, a note is a line, and a failure says where', async () => {
  const said: string[] = [];
  const shown = progress((text) => void said.push(text), false);
  assert.equal(await shown.step('quick', async () => 7), 7);
  assert.deepEqual(said, []);
  await shown.step('noted', async (note) => note('half'));
  assert.deepEqual(said, ['noted · half · 0.0 s\n']);
  await assert.rejects(
    shown.step('broken', () => Promise.reject(new Error('x'))),
    /x/,
  );
  assert.match(said.at(-1) ?? '', /^broken · .* · failed\n$/);
});
