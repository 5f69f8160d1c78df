import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ExportRecordsRequest,
  ExportRecordsResponse,
  ImportRecordsRequest,
  ImportRecordsResponse,
  Record,
} from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type GrpcStreams, grpcStreams } from '../../testing/streams.ts';
import importRecords from '../import-records/function.ts';
import { createRowReader } from '../import-records/rows.ts';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import exportRecords from './function.ts';

const path = '/api/records:export';
const csv = 'text/csv';
const jsonLines = 'application/x-ndjson';

describe('ExportRecords, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let exporting: Started<ExportRecordsRequest, ExportRecordsResponse>;
  let importing: Started<ImportRecordsRequest, ImportRecordsResponse>;
  let grpc: GrpcStreams<ExportRecordsRequest, ExportRecordsResponse>;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    exporting = await startFunction(exportRecords, records.environment);
    importing = await startFunction(importRecords, records.environment);
    grpc = await grpcStreams(exportRecords.rpc, exporting.port);
  });
  after(async () => {
    grpc?.close();
    await exporting?.stop();
    await importing?.stop();
    await operations?.close();
    await records?.drop();
  });

  const download = async (who: Collector, accept?: string) => {
    const response = await fetch(exporting.origin + path, {
      headers: { authorization: `Bearer ${who.token}`, ...(accept === undefined ? {} : { accept }) },
    });
    return { status: response.status, headers: response.headers, file: await response.text() };
  };
  const bringIn = async (who: Collector, file: string, type: string) => {
    const { body } = await importing.json('POST', '/api/records:import', {
      body: file,
      token: who.token,
      headers: { 'content-type': type },
    });
    return JSON.parse(String(body).trim().split('\n').at(-1) as string).totals;
  };
  /** All of an account, as a client sees it, but for what every storing changes. */
  const contentOf = async (who: Collector) => {
    const { records: found } = await operations.searchRecords(who, { limit: 200 });
    return found
      .map(({ userId: _, createdAt: __, updatedAt: ___, etag: ____, ...content }) => content)
      .sort((one, other) => (one.id < other.id ? -1 : 1));
  };

  /** Records in which everything occurs that a file could get wrong. */
  const awkward: readonly Partial<Record>[] = [
    everything,
    {},
    { notes: '', format: '', catalogNumber: '', label: '', labelCode: '', collectionFolder: '', importKey: '' },
    ...[
      '=1+1',
      '+49',
      '-7',
      '@SUM(A1)',
      '\tx',
      '\rx',
      "'=x",
      "''@",
      "'",
      "'x",
      ' =x',
      '"',
      '","',
      'a\r\nb\nc\rd',
      ' a ',
      '日本 💿',
      '\ufffd',
      '\ufeffx',
    ].map((text) => ({ name: `x${text}`, notes: text, format: text, label: text, aliases: [`${text}x`, 'b'] })),
    { artist: '=cmd', name: '-x', isPromo: false, rating: 0, price: '0', pricePaid: 0, hasInsert: false, addedAt: '2021-03-04T05:06:07Z' },
    { releaseDate: '1971-02-01', addedAt: '1999-12-31T23:59:59.900+02:00', recordGrade: 'VG plus' },
    { importKey: 'same' },
    { importKey: 'same' },
  ];

  for (const type of [csv, jsonLines]) {
    test(`import(export(x)) = x, in ${type}: into the same account it changes nothing, into another it makes the same records`, async () => {
      const [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
      for (const record of awkward) await operations.add(alice, record);
      const { file } = await download(alice, type);
      const before = await contentOf(alice);
      const again = await bringIn(alice, file, type);
      assert.deepEqual([again.rows, again.created, again.unchanged, again.faulty], [awkward.length, 0, awkward.length, 0]);
      assert.deepEqual(await contentOf(alice), before);
      assert.equal((await bringIn(bob, file, type)).created, awkward.length);
      assert.deepEqual(await contentOf(bob), before);
    });
  }

  test('a record that was removed comes back from an export under its id, and not under an etag that it had', async () => {
    const who = await records.newCollector();
    const { id, etag } = await operations.add(who, { notes: 'first' });
    const { file } = await download(who, csv);
    await operations.deleteRecord(who, { recordId: id });
    assert.equal((await bringIn(who, file, csv)).created, 1);
    const { record } = await operations.getRecord(who, { recordId: id });
    assert.equal(record?.notes, 'first');
    assert.notEqual(record?.etag, etag);
    await assert.rejects(operations.updateRecord(who, { recordId: id, record: { notes: 'x' }, etag }), { reason: 'ETAG_MISMATCH' });
    const changed = await operations.updateRecord(who, { recordId: id, record: { notes: 'x' }, etag: record?.etag as string });
    assert.equal(changed.record?.notes, 'x');
  });

  test('a spreadsheet finds no formula in it', async () => {
    const who = await records.newCollector();
    for (const record of awkward) await operations.add(who, record);
    const { file } = await download(who, csv);
    const reader = createRowReader('CSV');
    assert.equal([...reader.push(Buffer.from(file)), ...reader.end()].length, awkward.length);
    // Cells as a spreadsheet sees them: bare ones, and quoted ones without their quotation marks.
    const cells = [...file.matchAll(/(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    assert.ok(cells.length > 500);
    assert.deepEqual(
      cells.filter((cell) => /^[=+\-@\t\r]/.test(cell)),
      [],
    );
  });

  test('the head says what it is', async () => {
    const who = await records.newCollector();
    await operations.add(who, {});
    const asCsv = await download(who, csv);
    assert.deepEqual(
      ['content-type', 'content-disposition', 'cache-control', 'vary'].map((name) => asCsv.headers.get(name)),
      ['text/csv; charset=utf-8', 'attachment; filename="records.csv"', 'no-store', 'Accept'],
    );
    assert.match(asCsv.file, /^Catalog#,Artist,Title,Label,Format,Rating,Released,release_id,CollectionFolder,Date Added,/);
    const asLines = await download(who, `text/html, ${jsonLines};q=0.9, text/csv;q=0.1`);
    assert.deepEqual(
      ['content-type', 'content-disposition'].map((name) => asLines.headers.get(name)),
      [jsonLines, 'attachment; filename="records.jsonl"'],
    );
    assert.equal((await download(who, 'image/png')).status, 406);
    assert.equal((await download(who, '*/*')).headers.get('content-type'), 'text/csv; charset=utf-8');
    const head = await fetch(exporting.origin + path, { method: 'HEAD', headers: { authorization: `Bearer ${who.token}` } });
    assert.deepEqual([head.status, head.headers.get('content-type'), await head.text()], [200, 'text/csv; charset=utf-8', '']);
  });

  test('an empty account gives the columns alone, and no line of JSON', async () => {
    const who = await records.newCollector();
    assert.equal((await download(who, csv)).file.trim().split('\r\n').length, 1);
    const { status, file } = await download(who, jsonLines);
    assert.deepEqual([status, file], [200, '']);
  });

  test('whoever has no session gets a problem and no file, in both dialects', async () => {
    const who = await records.newCollector();
    await who.logout();
    const { status, file } = await download(who);
    assert.deepEqual([status, JSON.parse(file).code], [401, 'SESSION_ENDED']);
    await assert.rejects(grpc.call([{}], who.token), { code: 16, reason: 'SESSION_ENDED' });
    await assert.rejects(grpc.call([{}]), { code: 16, reason: 'UNAUTHENTICATED' });
  });

  test('gRPC gives the same file', async () => {
    const who = await records.newCollector();
    for (const record of awkward) await operations.add(who, record);
    const answers = await grpc.call([{ format: 'JSON_LINES' }], who.token);
    assert.equal(Buffer.concat(answers.map(({ content }) => content)).toString(), (await download(who, jsonLines)).file);
  });

  test('every record is in it once, also over many pages, and nobody else’s', async () => {
    const [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
    const rows = (name: string) => `Artist,Title\n${Array.from({ length: 1700 }, (_, index) => `${name},Album ${index}\n`).join('')}`;
    await Promise.all([bringIn(alice, rows('Alice'), csv), bringIn(bob, rows('Bob'), csv)]);
    const { file } = await download(alice, jsonLines);
    const lines: Record[] = file
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(new Set(lines.map(({ id }) => id)).size, 1700);
    assert.deepEqual([...new Set(lines.map(({ artist }) => artist))], ['Alice']);
  });

  test('it works behind a PgBouncer that keeps no prepared statements', async () => {
    const unprepared = await startFunction(exportRecords, { ...records.environment, DATABASE_PREPARE: 'false' });
    const who = await records.newCollector();
    await bringIn(who, `Artist,Title\n${Array.from({ length: 600 }, (_, index) => `x,Album ${index}\n`).join('')}`, csv);
    const response = await fetch(unprepared.origin + path, { headers: { authorization: `Bearer ${who.token}`, accept: jsonLines } });
    assert.equal((await response.text()).trim().split('\n').length, 600);
    await unprepared.stop();
  });

  test('a client that goes away ends it, and the log says so', async () => {
    const who = await records.newCollector();
    // More than the kernel takes for a client that doesn't read: the export can't have ended before it goes.
    const rows = Array.from({ length: 3000 }, (_, index) => `x,Album ${index},${'n'.repeat(4000)}\n`);
    await bringIn(who, `Artist,Title,Collection Notes\n${rows.join('')}`, csv);
    const stream = grpc.open(who.token);
    stream.on('error', () => {});
    stream.write({});
    stream.end();
    await new Promise((resolve) => stream.once('data', resolve));
    stream.cancel();
    const controller = new AbortController();
    const response = await fetch(exporting.origin + path, { headers: { authorization: `Bearer ${who.token}` }, signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
    const ends = () => exporting.logged().filter((line) => line.user_id === who.userId);
    for (let tries = 0; ends().length < 2 && tries < 200; tries++) await sleep(25);
    assert.deepEqual(
      ends().map(({ reason }) => reason),
      ['CANCELLED', 'CANCELLED'],
    );
  });
});
