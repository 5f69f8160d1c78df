import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Report } from '../report.ts';
import { benchDb } from './run.ts';

// Small and quick: that every part of the bench runs and checks what it is told, not how quick anything is.
describe('npm run bench -- db', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-bench-db-'));
  chmodSync(folder, 0o755); // PostgreSQL's own user must get to it
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('measures each of its parts on a small data set, with goal, peer and raw figures', async () => {
    const file = join(folder, 'figures.json');
    const command = [join(import.meta.dirname, '../../bench.ts'), 'db', '--quick', '--records', '20000', '--data', folder, '--json', file];
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) =>
      execFile(process.execPath, command, (error, _, stderr) => resolve({ code: error?.code ?? 0, stderr })),
    );
    // 1: at this size hardly any goal can be met.
    assert.ok(code === 0 || code === 1, stderr);
    assert.match(stderr, /\d+ answers are those of the generator/);
    const { ratios } = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const promised =
      'point_read_rls read_mix_tps search_recall search_small_p95_ms search_heavy_vs_ilike search_heavy_p95_ms autocomplete_p95_ms insert import_rows_s pgbouncer';
    for (const name of promised.split(' ')) {
      const ratio = ratios[name];
      assert.ok(ratio !== undefined && ratio.value > 0 && ratio.peer !== '' && ratio.raw !== undefined, `${name}\n${stderr}`);
    }
  });

  for (const [args, complaint] of [
    [['--records', 'many'], 'a size that is none'],
    [['--records', '19999'], 'a size that is too small'],
    [['--only', 'everything'], 'a part that there is not'],
    [['--fast'], 'an unknown option'],
  ] as const)
    test(`${complaint} is wrong usage`, async () => {
      assert.equal(await benchDb(args), 2);
    });
});
