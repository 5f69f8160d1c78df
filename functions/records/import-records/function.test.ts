import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImportCounts, ImportFault, ImportRecordsRequest, ImportRecordsResponse } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type GrpcStreams, grpcStreams } from '../../testing/streams.ts';
import { type Collector, type RecordsTest, recordsTest } from '../testing.ts';
import importRecords from './function.ts';

const path = '/api/records:import';
const sample = readFileSync(new URL('../../../db/sample/collection.csv', import.meta.url));
const header =
  'Catalog#,Artist,Title,Label,Format,Rating,Released,release_id,CollectionFolder,Date Added,Collection Media Condition,Collection Sleeve Condition,Collection Notes';

describe('ImportRecords, through the front door', () => {
  let records: RecordsTest;
  let started: Started<ImportRecordsRequest, ImportRecordsResponse>;
  let grpc: GrpcStreams<ImportRecordsRequest, ImportRecordsResponse>;
  before(async () => {
    records = await recordsTest();
    started = await startFunction(importRecords, records.environment);
    grpc = await grpcStreams(importRecords.rpc, started.port);
  });
  after(async () => {
    grpc?.close();
    await started?.stop();
    await records?.drop();
  });

  /** Uploads a file over HTTP/1.1. */
  const upload = async (who: Collector, file: string | Uint8Array, type = 'text/csv', query = '') => {
    const { status, headers, body } = await started.json('POST', path + query, {
      body: file,
      token: who.token,
      headers: { 'content-type': type },
    });
    const lines: ImportRecordsResponse[] =
      status === 200
        ? String(body)
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line))
        : [];
    return {
      status,
      headers,
      code: typeof body === 'object' ? body.code : undefined,
      totals: lines.at(-1)?.totals as ImportCounts,
      faults: lines.flatMap(({ fault }) => fault ?? []) as ImportFault[],
      lines,
    };
  };
  const csv = (...rows: string[]) => [header, ...rows].join('\n');
  const countOf = async (who: Collector): Promise<number> => {
    const [row] = await records.database.sql`select count(*)::int as count from records.records where user_id = ${who.userId}`;
    return row?.count;
  };

  test('the sample collection comes in whole, and a second time changes nothing', async () => {
    const alice = await records.newCollector();
    const first = await upload(alice, sample);
    assert.equal(first.status, 200);
    assert.match(first.headers.get('content-type') ?? '', /^application\/x-ndjson/);
    assert.deepEqual(first.totals, { rows: 342, created: 342, unchanged: 0, faulty: 0, bytes: sample.length });
    const second = await upload(alice, sample);
    assert.deepEqual(second.totals, { rows: 342, created: 0, unchanged: 342, faulty: 0, bytes: sample.length });
    assert.equal(await countOf(alice), 342);
  });

  test('over gRPC it comes in pieces of any size', async () => {
    const bob = await records.newCollector();
    const pieces = (size: number) =>
      Array.from({ length: Math.ceil(sample.length / size) }, (_, index) => ({
        content: sample.subarray(index * size, (index + 1) * size),
      }));
    const answers = await grpc.call(pieces(97), bob.token);
    assert.deepEqual(answers.at(-1)?.totals, { rows: 342, created: 342, unchanged: 0, faulty: 0, bytes: sample.length });
    const again = await grpc.call(pieces(sample.length), bob.token);
    assert.equal(again.at(-1)?.totals?.unchanged, 342);
  });

  const row = (cells: { readonly [title: string]: string }): string =>
    header
      .split(',')
      .map((title) => cells[title] ?? { Artist: 'Can', Title: 'Tago Mago' }[title] ?? '')
      .join(',');

  const badRows: readonly { name: string; input: string; expected: readonly [string, string] }[] = [
    { name: 'no artist', input: row({ Artist: '' }), expected: ['Artist', 'REQUIRED'] },
    { name: 'a blank title', input: row({ Title: '  ' }), expected: ['Title', 'BLANK'] },
    { name: 'a title of 257 characters', input: row({ Title: 'x'.repeat(257) }), expected: ['Title', 'TOO_LONG'] },
    { name: 'a rating that is no number', input: row({ Rating: 'good' }), expected: ['Rating', 'WRONG_TYPE'] },
    { name: 'a rating of 6', input: row({ Rating: '6' }), expected: ['Rating', 'OUT_OF_RANGE'] },
    { name: 'a year before records', input: row({ Released: '1492' }), expected: ['Released', 'OUT_OF_RANGE'] },
    { name: 'a release that is no year', input: row({ Released: 'sixties' }), expected: ['Released', 'NOT_A_DATE'] },
    { name: 'a day that is not there', input: row({ Released: '1971-02-30' }), expected: ['Released', 'NOT_A_DATE'] },
    { name: 'a release id of 0', input: row({ release_id: '0' }), expected: ['release_id', 'OUT_OF_RANGE'] },
    { name: 'a time that is none', input: row({ 'Date Added': '22.4.2009' }), expected: ['Date Added', 'NOT_A_TIME'] },
    {
      name: 'a condition that is none',
      input: row({ 'Collection Media Condition': 'fine' }),
      expected: ['Collection Media Condition', 'NOT_A_GRADE'],
    },
    {
      name: 'a sleeve condition that is none',
      input: row({ 'Collection Sleeve Condition': 'torn' }),
      expected: ['Collection Sleeve Condition', 'NOT_A_GRADE'],
    },
    { name: 'notes of 4,097 characters', input: row({ 'Collection Notes': 'x'.repeat(4097) }), expected: ['Collection Notes', 'TOO_LONG'] },
    { name: 'a NUL character', input: row({ 'Collection Notes': 'a\0b' }), expected: ['Collection Notes', 'NOT_STORABLE'] },
    { name: 'too few cells', input: 'a,b', expected: ['', 'WRONG_CELL_COUNT'] },
    { name: 'too many cells', input: `${row({})},`, expected: ['', 'WRONG_CELL_COUNT'] },
    { name: 'a quotation mark inside of a bare cell', input: row({ Title: 'Tago "Mago"' }), expected: ['Title', 'WRONG_QUOTES'] },
    { name: 'text behind a quoted cell', input: row({ Title: '"Tago" Mago' }), expected: ['Title', 'WRONG_QUOTES'] },
  ];
  for (const { name, input, expected } of badRows)
    test(`${name} is told by line and column, and the rows around it are stored`, async () => {
      const who = await records.newCollector();
      const { faults, totals } = await upload(who, csv(row({ Title: 'One' }), input, row({ Title: 'Three' })));
      assert.deepEqual(
        faults.map(({ line, column, reason }) => [line, column, reason]),
        [[3, ...expected]],
      );
      assert.ok(faults[0]?.says);
      assert.deepEqual([totals.rows, totals.created, totals.faulty], [3, 2, 1]);
    });

  test('all faults of a row are told, and it counts once', async () => {
    const who = await records.newCollector();
    const { faults, totals } = await upload(who, csv(row({ Artist: '', Rating: '9', Released: '1' })));
    assert.deepEqual(new Set(faults.map(({ column }) => column)), new Set(['Released']), 'faults of form come first');
    const { faults: meant } = await upload(who, csv(row({ Artist: '', Rating: '9' })));
    assert.deepEqual(
      meant.map(({ column }) => column),
      ['Rating'],
    );
    assert.equal(totals.faulty, 1);
  });

  test('bytes that are not UTF-8 are a fault of their row, and U+FFFD is a character where the file is UTF-8', async () => {
    const who = await records.newCollector();
    const latin = Buffer.concat([
      Buffer.from(`${csv(row({ Title: 'One' }))}\nx,Bj`),
      Buffer.from([0xf6]),
      Buffer.from(`rk,Debut,,,,,,,,,,\n`),
    ]);
    const { faults, totals } = await upload(who, latin);
    assert.deepEqual(
      [faults.map(({ line, column, reason }) => [line, column, reason]), totals.created],
      [[[3, 'Artist', 'WRONG_ENCODING']], 1],
    );
    assert.equal((await upload(who, csv(row({ Title: 'a \ufffd' })))).totals.created, 1);
  });

  test('a quotation mark that nothing closes costs its own row alone', async () => {
    const who = await records.newCollector();
    const rows = Array.from({ length: 5000 }, (_, index) => row({ Title: `Album ${index}`, 'Collection Notes': 'x'.repeat(100) }));
    rows[10] = row({ Title: '"open' });
    rows[4999] = row({ Title: '"open' });
    const { faults, totals } = await upload(who, csv(...rows));
    assert.deepEqual(
      faults.map(({ line, column, reason }) => [line, column, reason]),
      [
        [12, 'Title', 'WRONG_QUOTES'],
        [5001, 'Title', 'WRONG_QUOTES'],
      ],
    );
    assert.equal(totals.created, 4998);
  });

  test('a row that is too long costs itself alone', async () => {
    const who = await records.newCollector();
    const { faults, totals } = await upload(
      who,
      csv(row({ Title: 'x'.repeat(300_000) }), row({ Title: `"${'x'.repeat(300_000)}"` }), row({})),
    );
    assert.deepEqual(faults.map(({ line }) => line).sort(), [2, 3]);
    assert.equal(totals.created, 1);
  });

  const shapes: readonly { name: string; input: string | Uint8Array }[] = [
    { name: 'LF', input: csv(row({ Title: 'One' }), row({ Title: 'Two' }), '') },
    { name: 'CRLF', input: csv(row({ Title: 'One' }), row({ Title: 'Two' }), '').replaceAll('\n', '\r\n') },
    { name: 'CR', input: csv(row({ Title: 'One' }), row({ Title: 'Two' }), '').replaceAll('\n', '\r') },
    { name: 'a byte order mark', input: `\ufeff${csv(row({ Title: 'One' }), row({ Title: 'Two' }))}` },
    { name: 'no line end at the end, and empty lines', input: csv('', row({ Title: 'One' }), '', '', row({ Title: 'Two' })) },
  ];
  for (const { name, input } of shapes)
    test(`a file with ${name} is read`, async () => {
      const who = await records.newCollector();
      const { totals, faults } = await upload(who, input);
      assert.deepEqual([totals?.rows, totals?.created, faults], [2, 2, []]);
    });

  test('cells over several lines, quotation marks and commas are kept; lines are counted as an editor counts them', async () => {
    const who = await records.newCollector();
    const notes = '"one\r\ntwo, ""three""\nfour"';
    const { faults, totals } = await upload(
      who,
      csv(row({ Title: 'One', 'Collection Notes': notes }), '', row({ Rating: '7', 'Collection Notes': notes }), row({ Rating: '8' })),
    );
    assert.deepEqual(
      faults.map(({ line }) => line),
      [6, 9],
    );
    assert.equal(totals.created, 1);
    const [stored] = await records.database.sql`select notes from records.records where user_id = ${who.userId}`;
    assert.equal(stored?.notes, 'one\r\ntwo, "three"\nfour');
  });

  test('a row becomes the record that a collector would have typed in', async () => {
    const who = await records.newCollector();
    const cells = {
      'Catalog#': 'METAL 1',
      Artist: 'Public Image Ltd.',
      Title: 'Metal Box',
      Label: 'Virgin',
      Format: '"3x12"", Album, RE"',
      Rating: '5',
      Released: '1979-11-23',
      release_id: '413155',
      CollectionFolder: "'-Uncategorized",
      'Date Added': '2011-05-06 07:08:09',
      'Collection Media Condition': 'Near Mint (NM or M-)',
      'Collection Sleeve Condition': 'Generic',
      'Collection Notes': 'Tin has rust',
    };
    assert.equal((await upload(who, csv(row(cells)))).totals.created, 1);
    const [stored] = await records.database.sql`
      select artist, name, catalog_number, label, format, rating, release_year, release_date::text, discogs_release_id, collection_folder,
        to_json(added_at) #>> '{}' as added_at, record_grade, sleeve_grade, notes, jsonb_array_length(media) as discs, media -> 0 ->> 'sizeInch' as inch, import_key
      from records.records where user_id = ${who.userId}`;
    assert.deepEqual(
      { ...stored },
      {
        artist: 'Public Image Ltd.',
        name: 'Metal Box',
        catalog_number: 'METAL 1',
        label: 'Virgin',
        format: '3x12", Album, RE',
        rating: 5,
        release_year: 1979,
        release_date: '1979-11-23',
        discogs_release_id: 413155,
        collection_folder: '-Uncategorized',
        added_at: '2011-05-06T07:08:09+00:00',
        record_grade: 'NM',
        sleeve_grade: null,
        notes: 'Tin has rust',
        discs: 3,
        inch: '12',
        import_key: 'discogs:413155:20110506070809:1',
      },
    );
  });

  test('columns that are not ours are skipped, in whatever order they come', async () => {
    const who = await records.newCollector();
    const { totals } = await upload(who, 'Title,Collection Shelf,Artist\nLanded,7b,Can\n');
    assert.deepEqual([totals.created, totals.faulty], [1, 0]);
  });

  test('two copies of a release are two records, and stay two however often and in whatever order they come', async () => {
    const who = await records.newCollector();
    const copies = [
      row({ release_id: '249504', 'Date Added': '2020-01-01 10:00:00', 'Collection Notes': 'first' }),
      row({ release_id: '249504', 'Date Added': '2020-01-01 10:00:00', 'Collection Notes': 'second' }),
      row({ release_id: '249504', 'Date Added': '2021-01-01 10:00:00' }),
      row({ 'Collection Notes': 'no release' }),
      row({ 'Collection Notes': 'no release' }),
    ];
    assert.deepEqual((await upload(who, csv(...copies))).totals.created, 5);
    assert.deepEqual((await upload(who, csv(...copies))).totals.unchanged, 5);
    assert.deepEqual((await upload(who, csv(...copies.toReversed()))).totals.unchanged, 5);
    // Notes and grades change; the row is known again.
    assert.equal((await upload(who, csv(...copies.map((copy) => copy.replace('first', 'edited'))))).totals.unchanged, 5);
    // A third copy, wherever it stands in the file, is the one that is new.
    const third = row({ release_id: '249504', 'Date Added': '2022-01-01 10:00:00', 'Collection Notes': 'third' });
    assert.deepEqual((await upload(who, csv(third, ...copies))).totals.created, 1);
    assert.equal(await countOf(who), 6);
  });

  test('two imports of one file at once store it once', async () => {
    const who = await records.newCollector();
    const both = await Promise.all([upload(who, sample), upload(who, sample), upload(who, sample)]);
    assert.equal(
      both.reduce((sum, { totals }) => sum + totals.created, 0),
      342,
    );
    assert.equal(await countOf(who), 342);
  });

  test('JSON Lines are read: each line a record of the API', async () => {
    const who = await records.newCollector();
    const lines = [
      '{"artist":"Can","name":"Tago Mago","media":[{"index":1,"kind":"VINYL","sizeInch":12}],"createdAt":"ignored"}',
      '',
      '{"artist":"Can","name":"Landed","media":[{"discGrade":"shiny"}]}',
      '{"artist":"Can",',
      '[1]',
      '{"artist":"Can","name":"Flow Motion","color":"red"}',
      '{"artist":"Can","name":"Soon Over Babaluma","price_paid":12.5}',
    ];
    const { totals, faults } = await upload(who, lines.join('\n'), 'application/x-ndjson; charset=utf-8');
    assert.deepEqual(
      faults.map(({ line, column, reason }) => [line, column, reason]),
      [
        [3, 'media.0.disc_grade', 'NOT_A_GRADE'],
        [4, '', 'MALFORMED'],
        [5, '', 'WRONG_TYPE'],
        [6, 'color', 'UNKNOWN_FIELD'],
      ],
    );
    assert.deepEqual([totals.rows, totals.created, totals.faulty], [6, 2, 4]);
    assert.equal((await upload(who, lines.join('\r\n'), 'application/x-ndjson')).totals.unchanged, 2);
    const answers = await grpc.call([{ content: Buffer.from(lines.join('\n')), format: 'JSON_LINES' }], who.token);
    assert.equal(answers.at(-1)?.totals?.unchanged, 2);
  });

  const refused: readonly {
    name: string;
    input: readonly [body: string, type?: string, query?: string];
    expected: readonly [number, string];
  }[] = [
    { name: 'no file', input: [''], expected: [400, 'NOT_A_COLLECTION'] },
    { name: 'a first line without Artist', input: ['Title,Label\nx,y'], expected: [400, 'NOT_A_COLLECTION'] },
    { name: 'a column that is there twice', input: ['Artist,Title,Artist\nx,y,z'], expected: [400, 'NOT_A_COLLECTION'] },
    { name: 'a file that is none', input: ['"\u0001\u0002'], expected: [400, 'NOT_A_COLLECTION'] },
    { name: 'JSON', input: ['{}', 'application/json'], expected: [415, 'UNSUPPORTED_MEDIA_TYPE'] },
    { name: 'another character set', input: [header, 'text/csv; charset=iso-8859-1'], expected: [415, 'UNSUPPORTED_MEDIA_TYPE'] },
    { name: 'a parameter that is none', input: [header, 'text/csv', '?separator=;'], expected: [400, 'INVALID_FIELDS'] },
    {
      name: 'another account',
      input: [header, 'text/csv', '?userId=018f0000-0000-7000-8000-000000000000'],
      expected: [403, 'PERMISSION_DENIED'],
    },
    {
      name: 'a row of another account',
      input: ['{"artist":"x","name":"x","userId":"018f0000-0000-7000-8000-000000000000"}', 'application/x-ndjson'],
      expected: [403, 'PERMISSION_DENIED'],
    },
  ];
  for (const { name, input, expected } of refused)
    test(`${name} is refused as ${expected[1]}`, async () => {
      const who = await records.newCollector();
      const { status, code } = await upload(who, ...input);
      assert.deepEqual([status, code], expected);
    });

  test('whoever has no session is refused, in both dialects', async () => {
    const who = await records.newCollector();
    await who.logout();
    assert.deepEqual(
      [(await upload(who, sample)).code, (await upload({ ...who, token: 'x' }, sample)).code],
      ['SESSION_ENDED', 'UNAUTHENTICATED'],
    );
    await assert.rejects(grpc.call([{ content: sample }], who.token), { code: 16, reason: 'SESSION_ENDED' });
    await assert.rejects(grpc.call([{ content: sample }]), { code: 16, reason: 'UNAUTHENTICATED' });
    await assert.rejects(grpc.call([{ content: Buffer.from('Title\n') }], (await records.newCollector()).token), {
      code: 3,
      reason: 'NOT_A_COLLECTION',
    });
  });

  test('a call that the client cancels ends, is logged as cancelled, and leaves whole batches', async () => {
    const who = await records.newCollector();
    const stream = grpc.open(who.token);
    stream.on('error', () => {});
    stream.write({ content: Buffer.from(`${header}\n`) });
    const rows = (from: number) =>
      Buffer.from(
        Array.from({ length: 700 }, (_, index) => `${row({ release_id: String(from + index), Title: `Album ${from + index}` })}\n`).join(
          '',
        ),
      );
    stream.write({ content: rows(1) });
    for (let tries = 0; (await countOf(who)) === 0 && tries < 200; tries++) await sleep(25);
    stream.cancel();
    const ended = () => started.logged().find((line) => line.reason === 'CANCELLED' && line.user_id === who.userId);
    for (let tries = 0; ended() === undefined && tries < 200; tries++) await sleep(25);
    assert.equal(await countOf(who), 500, 'one whole batch');
    assert.ok(ended(), 'the log line');
    const again = await grpc.call([{ content: Buffer.from(`${header}\n`) }, { content: rows(1) }], who.token);
    assert.deepEqual([again.at(-1)?.totals?.created, again.at(-1)?.totals?.unchanged], [200, 500]);
  });

  test('a session that ends while a file comes ends the import; what was stored stays', async () => {
    const who = await records.newCollector();
    const stream = grpc.open(who.token);
    const failed = once(stream, 'error');
    stream.resume();
    const rows = (from: number) =>
      Buffer.from(Array.from({ length: 600 }, (_, index) => `${row({ release_id: String(from + index) })}\n`).join(''));
    stream.write({ content: Buffer.from(`${header}\n`) });
    stream.write({ content: rows(1) });
    for (let tries = 0; (await countOf(who)) < 500 && tries < 200; tries++) await sleep(25);
    await who.logout();
    stream.write({ content: rows(1001) });
    stream.end();
    const [error] = await failed;
    assert.equal(error.code, 16);
    assert.equal(await countOf(who), 500);
  });

  test('it works behind a PgBouncer that keeps no prepared statements', async () => {
    const unprepared = await startFunction(importRecords, { ...records.environment, DATABASE_PREPARE: 'false' });
    const who = await records.newCollector();
    const { body } = await unprepared.json('POST', path, { body: sample, token: who.token, headers: { 'content-type': 'text/csv' } });
    assert.match(String(body), /"created":342/);
    await unprepared.stop();
  });

  test('progress and faults come while the upload is still going on', async () => {
    const who = await records.newCollector();
    const stream = grpc.open(who.token);
    stream.on('error', () => {});
    const answers: ImportRecordsResponse[] = [];
    stream.on('data', (answer: ImportRecordsResponse) => answers.push(answer));
    stream.write({ content: Buffer.from(csv(row({ Title: 'One' }), row({ Rating: '9' }), '')) });
    for (let tries = 0; answers.length === 0 && tries < 200; tries++) await sleep(25);
    assert.equal(answers[0]?.fault?.line, 3);
    await sleep(1_100);
    stream.write({ content: Buffer.from(`${row({ Title: 'Two' })}\n`) });
    for (let tries = 0; answers.length < 2 && tries < 200; tries++) await sleep(25);
    assert.deepEqual([answers[1]?.progress?.rows, answers[1]?.progress?.faulty], [3, 1]);
    stream.end();
    await new Promise((resolve) => stream.on('end', resolve));
    assert.equal(answers.at(-1)?.totals?.created, 2);
  });

  test('one log line says how it went, and how much came', async () => {
    const who = await records.newCollector();
    await upload(who, sample);
    await sleep(50);
    const line = started.logged().findLast((entry) => entry.user_id === who.userId);
    assert.deepEqual([line?.route, line?.status, line?.code, line?.request_bytes], [path, 200, 'OK', sample.length]);
  });
});
