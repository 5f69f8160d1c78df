import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { derived } from './page.ts';

const root = join(import.meta.dirname, '../../..');

test('tables and pictures about the database are those of the figures beside them', () => {
  for (const [path, content] of derived())
    assert.equal(readFileSync(join(root, path), 'utf8') === content, true, `${path}: run node_modules/.bin/node scripts/bench/db/page.ts`);
});
