import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { clientShell } from '../../scripts/e2e/clients.ts';
import { CollectionFiles, grpcPieces, tellsWhileItComes } from '../../scripts/e2e/collection-files.ts';
import '../cluster/quick.ts';
import { clusterEdge } from './testing/cluster.ts';

const sample = fileURLToPath(new URL('../../db/sample/collection.csv', import.meta.url));
const versions = { '--http1.1': '1.1', '--http2': '2', '--http3-only': '3' } as const;
const rowsOfLarge = 20_000;

// Caddy, Envoy, queue-proxy: each could hold a stream back until it is whole, or end one that takes long.
describe('import and export, through the cluster’s edge', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-cluster-files-'));
  const edge = clusterEdge();
  let files: CollectionFiles;
  before(async () => {
    files = new CollectionFiles(await clientShell(folder, edge.port), edge.port);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [flag, version] of Object.entries(versions))
    test(`a collection comes in and goes out again over HTTP/${version}`, async () => {
      const alice = await files.newAccount();
      assert.equal((await files.upload(alice, sample, flag)).at(-1)?.totals?.created, 342);
      const file = join(folder, `${version}.jsonl`);
      assert.match(await files.download(alice, file, flag, 'application/x-ndjson'), new RegExp(`^HTTP/${version} 200`));
      assert.equal((await files.upload(alice, file, flag, 'application/x-ndjson')).at(-1)?.totals?.unchanged, 342);
    });

  for (const [protocol, tells] of Object.entries(tellsWhileItComes))
    test(`over ${protocol} what is wrong is told while the file still comes`, async () => {
      await tells(edge, (await files.newAccount()).token);
    });

  test('grpcurl sends it in pieces, and gets the file in pieces', async () => {
    const alice = await files.newAccount();
    const requests = join(folder, 'requests.json');
    writeFileSync(requests, grpcPieces(readFileSync(sample)));
    assert.match(await files.uploadOverGrpc(alice, requests), /"totals": \{\s+"rows": 342,\s+"created": 342,/);
    assert.equal((await files.downloadOverGrpc(alice)).trim().split('\n').length, 342);
  });

  test(`${rowsOfLarge} rows come in with progress, and go out whole`, async () => {
    const alice = await files.newAccount();
    const large = join(folder, 'large.csv');
    writeFileSync(large, `Artist,Title\n${Array.from({ length: rowsOfLarge }, (_, index) => `Can,Album ${index}\n`).join('')}`);
    const answers = await files.upload(alice, large);
    assert.equal(answers.at(-1)?.totals?.created, rowsOfLarge);
    assert.ok(answers.length > 2, 'progress');
    const file = join(folder, 'large.jsonl');
    await files.download(alice, file, '--http2', 'application/x-ndjson');
    const names = new Set(
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).name),
    );
    assert.equal(names.size, rowsOfLarge);
  });
});
