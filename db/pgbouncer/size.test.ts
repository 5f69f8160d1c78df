import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { poolSize } from './size.ts';

const sizes = [
  { cores: 1, connections: 4 },
  { cores: 2, connections: 4 },
  { cores: 4, connections: 8 },
  { cores: 64, connections: 16 },
];
for (const { cores, connections } of sizes)
  test(`on ${cores} cores ${connections} connections of a role are at work`, () => {
    assert.equal(poolSize(cores), connections);
  });

test('the most is what the committed configuration has', () => {
  const ini = readFileSync(new URL('pgbouncer.ini', import.meta.url), 'utf8');
  assert.match(ini, new RegExp(`^default_pool_size = ${poolSize(1000)}$`, 'm'));
});
