import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('npm run check finds nothing: types, format, lint, contract, OpenAPI, and generated files that are what their sources say', () => {
  const checked = spawnSync(process.execPath, [join(import.meta.dirname, 'check.ts')], { encoding: 'utf8', timeout: 120_000 });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  assert.match(checked.stdout, /ok/);
});
