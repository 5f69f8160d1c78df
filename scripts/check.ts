import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMigrations } from './db/migrations.ts';
import { checkMigrations } from './db/safety/check-migrations.ts';
import { differences } from './generate/outputs.ts';
import { generate, generatedFolders } from './generate.ts';

/** `npm run check`: what can be found wrong without running anything. Exit 0: nothing. Exit 1: something, with its remedy. */

const root = join(import.meta.dirname, '..');

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

interface Check {
  readonly name: string;
  /** What to do when it fails. */
  readonly remedy: string;
  /** @returns what was found, '' for nothing */
  readonly run: () => Promise<string>;
}

/** Runs a program of node_modules/.bin. @returns its output where it fails */
const program =
  (name: string, ...args: string[]) =>
  (): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = spawn(join(root, 'node_modules/.bin', name), args, {
        cwd: root,
        env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
      child.on('error', reject);
      child.on('close', (code) => resolve(code === 0 ? '' : Buffer.concat(output).toString() || `exit code ${code}`));
    });

const checks: readonly Check[] = [
  { name: 'types', remedy: 'mend them; `npx tsc -p .` shows them again', run: program('tsc', '-p', '.') },
  { name: 'format and lint', remedy: 'npx biome check --write .', run: program('biome', 'check', '--error-on-warnings', '.') },
  {
    name: 'contract: style',
    remedy: 'mend proto/*.proto',
    run: program('buf', 'lint', 'proto'),
  },
  {
    name: 'contract: layout',
    remedy: 'npx buf format -w proto --exclude-path proto/google --exclude-path proto/grpc',
    run: program('buf', 'format', '--diff', '--exit-code', 'proto', '--exclude-path', 'proto/google', '--exclude-path', 'proto/grpc'),
  },
  {
    name: 'contract: what clients count on',
    remedy:
      'take the change back and add beside it; only a release with a new major version replaces the baseline (npm run generate -- --release)',
    run: program('buf', 'breaking', 'proto', '--against', 'proto/baseline.binpb'),
  },
  {
    name: 'OpenAPI',
    remedy: 'mend proto/*.proto, or scripts/generate/openapi*.ts, and npm run generate',
    run: program('redocly', 'lint', 'proto/generated/openapi.json', '--config', 'proto/redocly.yaml'),
  },
  {
    name: 'migrations: the release before runs on',
    remedy: 'expand first, contract in a later release; docs/operations.md, Migrations, tells how',
    run: async () => (await checkMigrations(readMigrations(), version)).join('\n'),
  },
  {
    name: 'generated files',
    remedy: 'npm run generate, and commit what it changes',
    run: async () => differences(root, generatedFolders, await generate()).join('\n'),
  },
];

const results = await Promise.all(
  checks.map(async (check) => ({
    check,
    found: await check.run().catch((thrown: unknown) => String(thrown instanceof Error ? thrown.message : thrown)),
  })),
);
for (const { check, found } of results) {
  if (found !== '') console.error(found.trimEnd());
  console.log(found === '' ? `ok      ${check.name}` : `FAILED  ${check.name}. Remedy: ${check.remedy}`);
}
process.exitCode = results.some(({ found }) => found !== '') ? 1 : 0;
