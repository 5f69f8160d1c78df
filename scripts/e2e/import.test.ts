import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import type { ImportRecordsResponse } from '../../proto/generated/records.ts';
import { type ClientShell, clientShell } from './clients.ts';
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
  let sql: postgres.Sql;
  const large = join(place.folder, 'clients', 'large.csv');

  before(async () => {
    stack = await startStackProcess(place);
    const clients = join(place.folder, 'clients');
    mkdirSync(clients);
    shell = await clientShell(clients, place.edgePort);
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

  const url = (path: string) => `https://record.local:${place.edgePort}${path}`;
  async function run(command: string): Promise<string> {
    const ended = await shell.run(command, { curlrc: ['insecure', 'max-time = 120', 'fail-with-body'] });
    assert.equal(ended.code, 0, `${command}\n${ended.stdout.slice(-500)}\n${ended.stderr}`);
    return ended.stdout;
  }
  async function newAccount(): Promise<{ token: string; bearer: string; count: () => Promise<number> }> {
    const email = `${randomUUID()}@example.com`;
    const body = JSON.stringify({ email, password: 'correct horse' });
    const { token, user } = JSON.parse(await run(`curl -H 'content-type: application/json' -d '${body}' ${url('/api/auth/register')}`));
    return {
      token,
      bearer: `-H 'authorization: Bearer ${token}'`,
      count: async () => (await sql`select count(*)::int as count from records.records where user_id = ${user.id}`)[0]?.count,
    };
  }
  const answersOf = (text: string): ImportRecordsResponse[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const upload = async (bearer: string, file: string, flags = '--http2', type = 'text/csv') =>
    answersOf(await run(`curl ${flags} ${bearer} -H 'content-type: ${type}' --data-binary @${file} ${url('/api/records:import')}`));

  for (const [flag, version] of Object.entries(versions)) {
    test(`the sample comes in and goes out again over HTTP/${version}, and both forms of it are read`, async () => {
      const [alice, bob] = await Promise.all([newAccount(), newAccount()]);
      const answers = await upload(alice.bearer, sample, flag);
      assert.deepEqual([answers.at(-1)?.totals?.created, answers.at(-1)?.totals?.faulty], [342, 0]);
      assert.equal((await upload(alice.bearer, sample, flag)).at(-1)?.totals?.unchanged, 342);
      for (const [type, name] of [
        ['text/csv', 'records.csv'],
        ['application/x-ndjson', 'records.jsonl'],
      ] as const) {
        const file = join(place.folder, 'clients', `${version}-${name}`);
        const head = await run(`curl ${flag} ${alice.bearer} -H 'accept: ${type}' -D - -o ${file} ${url('/api/records:export')}`);
        assert.match(head, new RegExp(`^HTTP/${version} 200`));
        assert.match(head, new RegExp(`content-disposition: attachment; filename="${name}"`, 'i'));
        assert.equal((await upload(alice.bearer, file, flag, type)).at(-1)?.totals?.unchanged, 342);
        assert.equal((await upload(bob.bearer, file, flag, type)).at(-1)?.totals?.rows, 342);
      }
      assert.equal(await bob.count(), 342);
    });
  }

  test('over HTTP/1.1 what is wrong is told while the file still comes', async () => {
    const { token } = await newAccount();
    const { host, port, address, ca } = stack.edge;
    const request = https.request({
      host: address,
      port,
      servername: host,
      ca,
      method: 'POST',
      path: '/api/records:import',
      headers: { host: `${host}:${port}`, authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    });
    request.write('Artist,Title,Rating\nCan,Landed,9\nCan,Tago Mago,5\n');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const [fault] = (await once(response, 'data')) as [Buffer];
    assert.match(fault.toString(), /^\{"fault":\{"line":2,"column":"Rating",/);
    let rest = '';
    response.on('data', (piece: Buffer) => {
      rest += piece;
    });
    request.end('Can,Future Days,4\n');
    await once(response, 'end');
    assert.equal(answersOf(rest).at(-1)?.totals?.created, 2);
  });

  test('over HTTP/2 it is, too', async () => {
    const { token } = await newAccount();
    const { host, port, address, ca } = stack.edge;
    const session = http2.connect(`https://${address}:${port}`, { ca, servername: host });
    try {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/api/records:import',
        ':authority': `${host}:${port}`,
        authorization: `Bearer ${token}`,
        'content-type': 'text/csv',
      });
      stream.write('Artist,Title,Rating\nCan,Landed,9\nCan,Tago Mago,5\n');
      const [fault] = (await once(stream, 'data')) as [Buffer];
      assert.match(fault.toString(), /^\{"fault":\{"line":2,"column":"Rating",/);
      let rest = '';
      stream.on('data', (piece: Buffer) => {
        rest += piece;
      });
      stream.end('Can,Future Days,4\n');
      await once(stream, 'end');
      assert.equal(answersOf(rest).at(-1)?.totals?.created, 2);
    } finally {
      session.close();
    }
  });

  test('grpcurl sends it in pieces, and gets the file in pieces', async () => {
    const { bearer } = await newAccount();
    const file = readFileSync(sample);
    const messages = Array.from({ length: 5 }, (_, index) =>
      JSON.stringify({ content: file.subarray(index * 10_000, (index + 1) * 10_000).toString('base64') }),
    );
    const requests = join(place.folder, 'clients', 'requests.json');
    writeFileSync(requests, messages.join('\n'));
    const at = `record.local:${place.edgePort} records.RecordsService`;
    const imported = await run(`grpcurl -insecure ${bearer} -d @ ${at}/ImportRecords < ${requests}`);
    assert.match(imported, /"totals": \{\s+"rows": 342,\s+"created": 342,/);
    const exported = await run(`grpcurl -insecure ${bearer} -d '{"format":"JSON_LINES"}' ${at}/ExportRecords`);
    const content = [...exported.matchAll(/"content": "([^"]*)"/g)].map(([, base64]) => Buffer.from(base64 as string, 'base64'));
    assert.equal(Buffer.concat(content).toString().trim().split('\n').length, 342);
  });

  test('refusals are told in their own form, also for a file that is too large', async () => {
    const { bearer } = await newAccount();
    const ask = (flags: string) => run(`curl --no-fail-with-body ${bearer} -w '\\n%{http_code}' ${flags} ${url('/api/records:import')}`);
    assert.match(await ask(`-H 'content-type: application/json' -d '{}'`), /"code":"UNSUPPORTED_MEDIA_TYPE"[^\n]*\n415$/);
    const tooLarge = join(place.folder, 'clients', 'too-large.csv');
    writeFileSync(tooLarge, '');
    truncateSync(tooLarge, 64 * 1024 * 1024 + 1);
    assert.match(await ask(`-H 'content-type: text/csv' --data-binary @${tooLarge}`), /"code":"BODY_TOO_LARGE"[^\n]*\n413$/);
  });

  test(`${rowsOfLarge} rows come in and go out in constant memory, and a client that reads slowly makes nothing grow`, async (t) => {
    const { bearer, count } = await newAccount();
    const importer = stack.pid('records-import-records');
    const exporter = stack.pid('records-export-records');
    const before = [residentMib(importer, 'VmRSS'), residentMib(exporter, 'VmRSS')] as const;
    const began = performance.now();
    const answers = await upload(bearer, large);
    const seconds = (performance.now() - began) / 1000;
    assert.equal(answers.at(-1)?.totals?.created, rowsOfLarge);
    assert.equal(await count(), rowsOfLarge);
    assert.ok(answers.length > 1, 'progress');
    t.diagnostic(
      `${Math.round(rowsOfLarge / seconds)} rows/s in; the importer grew from ${before[0].toFixed()} to ${residentMib(importer, 'VmHWM').toFixed()} MiB at most`,
    );
    assert.ok(residentMib(importer, 'VmHWM') - before[0] < growthMibMax);

    const lines = await run(`curl ${bearer} -H 'accept: application/x-ndjson' --limit-rate 20M ${url('/api/records:export')} | wc -l`);
    assert.equal(Number(lines), rowsOfLarge);
    // As slow a reader as gets a small part of it: the rest stays in the database.
    await shell.run(`timeout 4 curl -k ${bearer} --limit-rate 100k -o /dev/null ${url('/api/records:export')}`);
    t.diagnostic(`the exporter grew from ${before[1].toFixed()} to ${residentMib(exporter, 'VmHWM').toFixed()} MiB at most`);
    assert.ok(residentMib(exporter, 'VmHWM') - before[1] < growthMibMax);
    const told = () => stack.logged('records-export-records').findLast((line) => line.reason === 'CANCELLED');
    for (let tries = 0; told() === undefined && tries < 100; tries++) await sleep(50);
    assert.ok(Number(told()?.response_bytes) < 10_000_000, 'it was not sent on while nobody read');
  });

  test('a process that is killed halfway leaves whole batches, and the file again stores the rest', async () => {
    const { bearer, count } = await newAccount();
    const upload = shell.run(`curl -k ${bearer} -H 'content-type: text/csv' --data-binary @${large} ${url('/api/records:import')}`);
    for (let tries = 0; (await count()) < 2000 && tries < 1000; tries++) await sleep(10);
    process.kill(stack.pid('records-import-records'), 'SIGKILL');
    const ended = await upload;
    assert.ok(!ended.stdout.includes('"totals"'), 'it was cut off');
    await sleep(500);
    const left = await count();
    assert.ok(left >= 2000 && left < rowsOfLarge && left % 500 === 0, `${left} rows`);
    let again: ImportRecordsResponse | undefined;
    for (let tries = 0; again === undefined && tries < 20; tries++) {
      const { stdout } = await shell.run(
        `curl -k --max-time 120 ${bearer} -H 'content-type: text/csv' --data-binary @${large} ${url('/api/records:import')}`,
      );
      again = stdout.includes('"totals"') ? answersOf(stdout).at(-1) : undefined;
      if (again === undefined) await sleep(200);
    }
    assert.deepEqual([again?.totals?.created, again?.totals?.unchanged], [rowsOfLarge - left, left]);
    assert.equal(await count(), rowsOfLarge);
  });
});
