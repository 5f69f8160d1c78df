import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { readPages, root, runnable } from '../docs/pages.ts';
import { runPage } from '../docs/run-page.ts';
import { freePort } from '../stack/part.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { curlHttp3 } from '../tools/debian.ts';
import { grpcurl } from '../tools/go.ts';

describe('what a reader pastes works on the local stack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-docs-'));
  // PostgreSQL's own user must be able to enter.
  chmodSync(folder, 0o755);
  let stack: Stack;
  let environment: NodeJS.ProcessEnv;

  before(async () => {
    const [edgePort, postgresPort, pgbouncerPort] = await Promise.all([freePort(), freePort(), freePort()]);
    const functionsPort = 20_000 + 40 * (process.pid % 250);
    stack = await startStack({ settings: { folder, backupFolder: '', edgePort, postgresPort, pgbouncerPort, functionsPort } });
    environment = {
      ...process.env,
      PATH: `${await clients(folder, edgePort)}:${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
      RECORD_PLATFORM_STATE: folder,
      RECORD_PLATFORM_EDGE_PORT: String(edgePort),
      RECORD_PLATFORM_POSTGRES_PORT: String(postgresPort),
    };
  });
  after(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const page of readPages().filter((each) => runnable(each).length > 0)) {
    test(`each command of ${page.path} does what the page says`, async () => {
      assert.deepEqual(await runPage(page, environment), []);
    });
  }

  test('npm run demo plays its whole hour', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'scripts/demo.ts')], { env: environment });
    assert.match(stdout, /^1[0-9] steps over HTTP\/2, HTTP\/3, gRPC in .* all as expected/m);
    for (const protocol of ['HTTP/2', 'HTTP/3', 'gRPC']) assert.match(stdout, new RegExp(`^ ?\\d+\\. .* ${protocol} `, 'm'));
  });
});

/**
 * A folder with the real curl (with HTTP/3) and the real grpcurl under their own names. They go to this stack's port where a page says
 * record.local:8443, whether or not that name leads to this machine; what the server gets to see is what the page says.
 */
async function clients(folder: string, edgePort: number): Promise<string> {
  const bin = join(folder, 'clients');
  mkdirSync(bin);
  const quoted = (words: readonly string[]) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const curl = `exec ${quoted(await curlHttp3())} --connect-to record.local:8443:127.0.0.1:${edgePort} "$@"`;
  const place = `for word do shift; [ "$word" = record.local:8443 ] && word=127.0.0.1:${edgePort}; set -- "$@" "$word"; done`;
  const scripts = { curl, grpcurl: `${place}\nexec ${quoted([await grpcurl()])} -authority record.local:8443 "$@"` };
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return bin;
}
