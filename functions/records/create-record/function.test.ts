import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CreateRecordRequest, CreateRecordResponse, Record } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, everything, type RecordsTest, recordsTest } from '../testing.ts';
import createRecord from './function.ts';

const path = '/api/records';

describe('CreateRecord, through the front door', () => {
  let records: RecordsTest;
  let started: Started<CreateRecordRequest, CreateRecordResponse>;
  let alice: Collector;
  let bob: Collector;
  before(async () => {
    records = await recordsTest();
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
    started = await startFunction(createRecord, records.environment);
  });
  after(async () => {
    await started?.stop();
    await records?.drop();
  });

  const post = (body: unknown, headers: { [name: string]: string } = {}) =>
    started.json('POST', path, { body, token: alice.token, headers });
  const call = (record: Partial<Record>, requestId = '') => started.call({ record: record as Record, requestId }, alice);

  test('every field of a record goes in and comes out alike in both dialects', async () => {
    const { status, body, headers } = await post(everything);
    assert.equal(status, 201);
    assert.equal(headers.get('etag'), '"1"');
    const { id: _, userId, createdAt: __, updatedAt: ___, etag: ____, ...given } = body;
    assert.equal(userId, alice.userId);
    assert.deepEqual(given, JSON.parse(JSON.stringify(everything)));
    const { record } = await call(everything);
    assert.deepEqual(
      { ...body, id: '', createdAt: '', updatedAt: '' },
      JSON.parse(JSON.stringify({ ...record, id: '', createdAt: '', updatedAt: '' })),
    );
  });

  test('JSON may spell fields as the contract does', async () => {
    const { status, body } = await post({ artist: 'Can', name: 'Landed', catalog_number: 'UAS 29621', has_insert: false, price: '3' });
    assert.deepEqual([status, body.catalogNumber, body.hasInsert, body.price, body.pricePaid], [201, 'UAS 29621', false, '3.00', 3]);
  });

  test('fields that only the platform sets are ignored, a null is absence, the caller may be named', async () => {
    const { status, body } = await post({
      artist: 'Can',
      name: 'Soundtracks',
      id: 'mine',
      etag: '9',
      createdAt: 'x',
      notes: null,
      userId: alice.userId,
    });
    assert.deepEqual([status, body.etag, 'notes' in body], [201, '1', false]);
    assert.notEqual(body.id, 'mine');
  });

  test('another account cannot be named, inside the record either', async () => {
    const { status, body } = await post({ artist: 'x', name: 'x', userId: bob.userId });
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
    await assert.rejects(call({ artist: 'x', name: 'x', userId: bob.userId }), { code: 7, reason: 'PERMISSION_DENIED' });
    await assert.rejects(started.call({ userId: bob.userId, record: { artist: 'x', name: 'x' } as Record }, alice), {
      code: 7,
      reason: 'PERMISSION_DENIED',
    });
  });

  const faults: readonly { readonly name: string; readonly input: Partial<Record>; readonly expected: readonly [string, string] }[] = [
    { name: 'no artist', input: { artist: undefined }, expected: ['/artist', 'REQUIRED'] },
    { name: 'an empty name', input: { name: '' }, expected: ['/name', 'TOO_SHORT'] },
    { name: 'a blank name', input: { name: '  ' }, expected: ['/name', 'BLANK'] },
    { name: 'an artist of 257 characters', input: { artist: 'x'.repeat(257) }, expected: ['/artist', 'TOO_LONG'] },
    { name: 'notes of 4,097 characters', input: { notes: 'x'.repeat(4097) }, expected: ['/notes', 'TOO_LONG'] },
    { name: 'a grade that is none', input: { sleeveGrade: 'VG++' }, expected: ['/sleeveGrade', 'NOT_A_GRADE'] },
    {
      name: 'a disc grade that is none',
      input: { media: [{ index: 0, kind: 'VINYL', sizeInch: 12, speedRpm: 33, discGrade: 'ok', sides: [] }] },
      expected: ['/media/0/discGrade', 'NOT_A_GRADE'],
    },
    {
      name: 'a side of another disc',
      input: { media: [{ index: 2, kind: 'VINYL', sizeInch: 12, speedRpm: 33, discGrade: '', sides: [{ letter: 'A', grade: '' }] }] },
      expected: ['/media/0/sides/0/letter', 'NOT_A_SIDE'],
    },
    { name: 'a price of three decimals', input: { price: '1.005' }, expected: ['/price', 'NOT_A_PRICE'] },
    { name: 'a negative price', input: { pricePaid: -1 }, expected: ['/pricePaid', 'NOT_A_PRICE'] },
    { name: 'two prices', input: { price: '1.00', pricePaid: 2 }, expected: ['/pricePaid', 'CONFLICTING_PRICES'] },
    { name: 'a currency that is none', input: { currency: 'ABC' }, expected: ['/currency', 'NOT_A_CURRENCY'] },
    { name: 'a day that is not there', input: { purchasedAt: '2023-02-29' }, expected: ['/purchasedAt', 'NOT_A_DATE'] },
    { name: 'a year before records', input: { releaseYear: 1859 }, expected: ['/releaseYear', 'OUT_OF_RANGE'] },
    { name: 'six stars', input: { rating: 6 }, expected: ['/rating', 'OUT_OF_RANGE'] },
    { name: 'a time without an offset', input: { addedAt: '2024-01-01T00:00:00' }, expected: ['/addedAt', 'NOT_A_TIME'] },
    { name: '51 aliases', input: { aliases: Array.from({ length: 51 }, () => 'x') }, expected: ['/aliases', 'TOO_MANY'] },
    { name: 'a blank alias', input: { aliases: ['x', ' '] }, expected: ['/aliases/1', 'BLANK'] },
    { name: 'a NUL character', input: { notes: 'a\0b' }, expected: ['/notes', 'NOT_STORABLE'] },
  ];
  for (const { name, input, expected } of faults)
    test(`${name} is refused for the same reason in both dialects`, async () => {
      const record = { artist: 'Can', name: 'Flow Motion', ...input };
      const { status, body } = await post(record);
      assert.deepEqual([status, body.code], [400, 'INVALID_FIELDS']);
      assert.deepEqual(
        body.errors.map((error: { pointer: string; reason: string }) => [error.pointer.replace(/^#/, ''), error.reason]),
        [expected],
      );
      const refusal = await call(record).catch((error) => error);
      assert.deepEqual(
        [refusal.code, refusal.reason, refusal.violations.map(({ reason }: { reason: string }) => reason)],
        [3, 'INVALID_FIELDS', [expected[1]]],
      );
    });

  test('a request that names itself is done once, whichever dialect repeats it', async () => {
    const record = { artist: 'Can', name: 'Delay 1968' };
    const headers = { 'idempotency-key': 'one' };
    const first = await post(record, headers);
    const again = await post(record, headers);
    assert.deepEqual([again.status, again.body], [201, first.body]);
    assert.deepEqual(JSON.parse(JSON.stringify((await call(record, 'one')).record)), first.body);
    const other = await post({ ...record, notes: 'x' }, headers);
    assert.deepEqual([other.status, other.body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
    await assert.rejects(call({ ...record, notes: 'x' }, 'one'), { code: 9, reason: 'IDEMPOTENCY_KEY_REUSED' });
  });

  test('a request that still runs is 409 with Retry-After, and ABORTED', async () => {
    await records.database.sql.begin(async (running) => {
      await running`select pg_advisory_xact_lock(hashtextextended('slow', hashtextextended(${alice.userId}, 0)))`;
      const { status, body, headers } = await post({ artist: 'x', name: 'x' }, { 'idempotency-key': 'slow' });
      assert.deepEqual([status, body.code, headers.get('retry-after')], [409, 'REQUEST_IN_PROGRESS', '1']);
      await assert.rejects(call({ artist: 'x', name: 'x' }, 'slow'), { code: 10, reason: 'REQUEST_IN_PROGRESS' });
    });
  });

  test('the largest record that the contract admits fits, however it is escaped', async () => {
    const text = '💿'.repeat(256);
    const record = {
      ...Object.fromEntries(
        ['artist', 'name', 'format', 'catalogNumber', 'label', 'labelCode', 'collectionFolder', 'importKey'].map((name) => [name, text]),
      ),
      notes: '💿'.repeat(4096),
      aliases: Array.from({ length: 50 }, () => text),
    };
    const escaped = JSON.stringify(record).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
    assert.equal((await started.json('POST', path, { body: escaped, token: alice.token })).status, 201);
  });
});
