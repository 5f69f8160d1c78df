import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import type { ImportRecordsResponse } from '../../proto/generated/records.ts';
import { type ClientShell, clientShell } from './clients.ts';
import { type Account, answersOf, CollectionFiles, grpcPieces, tellsWhileItComes } from './collection-files.ts';
import { cleanUp, freePlace, type RunningStack, startStackProcess } from './stack.ts';

const sample = fileURLToPath(new URL('../../db/sample/collection.csv', import.meta.url));
const versions = { '--http1.1': '1.1', '--http2': '2', '--http3-only': '3' } as const;
const rowsOfLarge = 100_000;
/** What a process may grow by while 14 MB go through it. V8 lets garbage lie while there is room; the rows alone, held as
 * objects, would be more. */
const growthMibMax = 120;

const residentMib = (pid: number, what: 'VmHWM' | 'VmRSS'): number =>
  Number(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

describe('import and export, on the whole local stack', { timeout: 400_000 }, () => {
  const place = freePlace();
  let stack: RunningStack;
  let shell: ClientShell;
  let files: CollectionFiles;
  let sql: postgres.Sql;
  const large = join(place.folder, 'clients', 'large.csv');

  before(async () => {
    stack = await startStackProcess(place);
    const clients = join(place.folder, 'clients');
    mkdirSync(clients);
    shell = await clientShell(clients, place.edgePort);
    files = new CollectionFiles(shell, place.edgePort);
    sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
    const [header = '', ...rows] = readFileSync(sample, 'utf8').trimEnd().split('\n');
    const many = Array.from({ length: rowsOfLarge }, (_, index) =>
      rows[index % rows.length]?.replace(/,,([^,]*),(\d{4}-)/, `,${index + 1},$1,$2`),
    );
    writeFileSync(large, `${[header, ...many].join('\n')}\n`);
  });
  after(async () => {
    await sql?.end();
    try {
      await stack?.stop();
    } finally {
      await cleanUp(place, stack?.start);
    }
  });

  const countOf = async ({ userId }: Account): Promise<number> =>
    (await sql`select count(*)::int as count from records.records where user_id = ${userId}`)[0]?.count;

  for (const [flag, version] of Object.entries(versions)) {
    test(`the sample comes in and goes out again over HTTP/${version}, and both forms of it are read`, async () => {
      const [alice, bob] = await Promise.all([files.newAccount(), files.newAccount()]);
      const answers = await files.upload(alice, sample, flag);
      assert.deepEqual([answers.at(-1)?.totals?.created, answers.at(-1)?.totals?.faulty], [342, 0]);
      assert.equal((await files.upload(alice, sample, flag)).at(-1)?.totals?.unchanged, 342);
      for (const [type, name] of [
        ['text/csv', 'records.csv'],
        ['application/x-ndjson', 'records.jsonl'],
      ] as const) {
        const file = join(place.folder, 'clients', `${version}-${name}`);
        const head = await files.download(alice, file, flag, type);
        assert.match(head, new RegExp(`^HTTP/${version} 200`));
        assert.match(head, new RegExp(`content-disposition: attachment; filename="${name}"`, 'i'));
        assert.equal((await files.upload(alice, file, flag, type)).at(-1)?.totals?.unchanged, 342);
        assert.equal((await files.upload(bob, file, flag, type)).at(-1)?.totals?.rows, 342);
      }
      assert.equal(await countOf(bob), 342);
    });
  }

  for (const [protocol, tells] of Object.entries(tellsWhileItComes))
    test(`over ${protocol} what is wrong is told while the file still comes`, async () => {
      await tells(stack.edge, (await files.newAccount()).token);
    });

  test('grpcurl sends it in pieces, and gets the file in pieces', async () => {
    const alice = await files.newAccount();
    const requests = join(place.folder, 'clients', 'requests.json');
    writeFileSync(requests, grpcPieces(readFileSync(sample)));
    assert.match(await files.uploadOverGrpc(alice, requests), /"totals": \{\s+"rows": 342,\s+"created": 342,/);
    assert.equal((await files.downloadOverGrpc(alice)).trim().split('\n').length, 342);
  });

  test('refusals are told in their own form, also for a file that is too large', async () => {
    const { bearer } = await files.newAccount();
    const ask = (flags: string) =>
      files.run(`curl --no-fail-with-body ${bearer} -w '\\n%{http_code}' ${flags} ${files.url('/api/records:import')}`);
    assert.match(await ask(`-H 'content-type: application/json' -d '{}'`), /"code":"UNSUPPORTED_MEDIA_TYPE"[^\n]*\n415$/);
    const tooLarge = join(place.folder, 'clients', 'too-large.csv');
    writeFileSync(tooLarge, '');
    truncateSync(tooLarge, 64 * 1024 * 1024 + 1);
    assert.match(await ask(`-H 'content-type: text/csv' --data-binary @${tooLarge}`), /"code":"BODY_TOO_LARGE"[^\n]*\n413$/);
  });

  test(`${rowsOfLarge} rows come in and go out in constant memory, and a client that reads slowly makes nothing grow`, async (t) => {
    const alice = await files.newAccount();
    const { bearer } = alice;
    const importer = stack.pid('records-import-records');
    const exporter = stack.pid('records-export-records');
    const before = [residentMib(importer, 'VmRSS'), residentMib(exporter, 'VmRSS')] as const;
    const began = performance.now();
    const answers = await files.upload(alice, large);
    const seconds = (performance.now() - began) / 1000;
    assert.equal(answers.at(-1)?.totals?.created, rowsOfLarge);
    assert.equal(await countOf(alice), rowsOfLarge);
    assert.ok(answers.length > 1, 'progress');
    t.diagnostic(
      `${Math.round(rowsOfLarge / seconds)} rows/s in; the importer grew from ${before[0].toFixed()} to ${residentMib(importer, 'VmHWM').toFixed()} MiB at most`,
    );
    assert.ok(residentMib(importer, 'VmHWM') - before[0] < growthMibMax);

    const lines = await files.run(
      `curl ${bearer} -H 'accept: application/x-ndjson' --limit-rate 20M ${files.url('/api/records:export')} | wc -l`,
    );
    assert.equal(Number(lines), rowsOfLarge);
    // As slow a reader as gets a small part of it: the rest stays in the database.
    await shell.run(`timeout 4 curl -k ${bearer} --limit-rate 100k -o /dev/null ${files.url('/api/records:export')}`);
    t.diagnostic(`the exporter grew from ${before[1].toFixed()} to ${residentMib(exporter, 'VmHWM').toFixed()} MiB at most`);
    assert.ok(residentMib(exporter, 'VmHWM') - before[1] < growthMibMax);
    const told = () => stack.logged('records-export-records').findLast((line) => line.reason === 'CANCELLED');
    for (let tries = 0; told() === undefined && tries < 100; tries++) await sleep(50);
    assert.ok(Number(told()?.response_bytes) < 10_000_000, 'it was not sent on while nobody read');
  });

  test('a process that is killed halfway leaves whole batches, and the file again stores the rest', async () => {
    const alice = await files.newAccount();
    const send = `curl -k --max-time 120 ${alice.bearer} -H 'content-type: text/csv' --data-binary @${large} ${files.url('/api/records:import')}`;
    const upload = shell.run(send);
    for (let tries = 0; (await countOf(alice)) < 2000 && tries < 1000; tries++) await sleep(10);
    process.kill(stack.pid('records-import-records'), 'SIGKILL');
    const ended = await upload;
    assert.ok(!ended.stdout.includes('"totals"'), 'it was cut off');
    await sleep(500);
    const left = await countOf(alice);
    assert.ok(left >= 2000 && left < rowsOfLarge && left % 500 === 0, `${left} rows`);
    let again: ImportRecordsResponse | undefined;
    for (let tries = 0; again === undefined && tries < 20; tries++) {
      const { stdout } = await shell.run(send);
      again = stdout.includes('"totals"') ? answersOf(stdout).at(-1) : undefined;
      if (again === undefined) await sleep(200);
    }
    assert.deepEqual([again?.totals?.created, again?.totals?.unchanged], [rowsOfLarge - left, left]);
    assert.equal(await countOf(alice), rowsOfLarge);
  });
});
