import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { Remedy } from '../../scripts/tools/install.ts';

const root = join(import.meta.dirname, '../..');

/**
 * Runs knative/**\/*.cluster-test.ts against the cluster, one file after the other: they measure, and share it. The last line counts.
 * @param options.only runs the tests whose name holds it
 * @param options.quick runs the files that import quick.ts, which tells them so
 * @returns whether all passed
 * @throws Remedy where no file is meant
 */
export async function runClusterTests(
  paths: readonly string[],
  { only, quick = false }: { only?: string | undefined; quick?: boolean },
): Promise<boolean> {
  if (quick) process.env.RECORD_PLATFORM_QUICK = 'true';
  const takesPart = (file: string) => !quick || /(from|import) '[^']*\/quick\.ts'/.test(readFileSync(join(root, file), 'utf8'));
  const files: string[] = [];
  for await (const file of glob('knative/**/*.cluster-test.ts', { cwd: root }))
    if (takesPart(file) && (paths.length === 0 || paths.some((path) => file === path || file.startsWith(`${path.replace(/\/$/, '')}/`))))
      files.push(file);
  if (files.length === 0) throw new Remedy(`No cluster test is at ${paths.join(', ') || 'knative/'}.\nThey are named *.cluster-test.ts.`);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  await new Promise<void>((resolve) => {
    const tests = run({
      files: files.sort().map((file) => join(root, file)),
      concurrency: 1,
      ...(only ? { testNamePatterns: [only] } : {}),
    });
    tests.on('test:summary', (summary) => {
      if (summary.file !== undefined) return; // one for each file, then one for all
      counts.passed += summary.counts.passed;
      counts.failed += summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
      counts.skipped += summary.counts.skipped;
      resolve();
    });
    tests.compose(new spec()).pipe(process.stdout, { end: false });
  });
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  return counts.failed === 0 && counts.passed > 0;
}
