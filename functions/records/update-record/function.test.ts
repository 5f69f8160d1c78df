import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Record, UpdateRecordRequest, UpdateRecordResponse } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import updateRecord from './function.ts';

describe('UpdateRecord, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let started: Started<UpdateRecordRequest, UpdateRecordResponse>;
  let alice: Collector;
  let bob: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
    started = await startFunction(updateRecord, records.environment);
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await records?.drop();
  });

  const send = (method: 'PUT' | 'PATCH', id: string, body: unknown, headers: { [name: string]: string } = {}, query = '') =>
    started.json(method, `/api/records/${id}${query}`, { body, token: alice.token, headers });

  /** What a client sees in JSON besides what every change changes. */
  const contentOf = ({ updatedAt: _, etag: __, ...content }: Record) => JSON.parse(JSON.stringify(content));

  test('PATCH changes the keys that are there, and a null clears', async () => {
    const before = await operations.add(alice, everything);
    const { status, body, headers } = await send('PATCH', before.id, { notes: 'new', label: null, aliases: [], has_insert: false });
    assert.equal(status, 200);
    const { label: _, ...rest } = contentOf(before);
    assert.deepEqual(contentOf(body), { ...rest, notes: 'new', aliases: [], hasInsert: false });
    assert.deepEqual([body.etag, headers.get('etag')], ['2', '"2"']);
  });

  test('PATCH with updateMask changes what the mask names, in either spelling', async () => {
    const before = await operations.add(alice, everything);
    for (const [query, etag] of [
      ['?updateMask=notes,catalogNumber', '2'],
      ['?update_mask=notes,catalog_number', '3'],
    ] as const) {
      const { status, body } = await send('PATCH', before.id, { notes: etag, label: 'left alone' }, {}, query);
      const { catalogNumber: _, ...rest } = contentOf(before);
      assert.deepEqual([status, contentOf(body), body.etag], [200, { ...rest, notes: etag }, etag]);
    }
  });

  test('PATCH of a whole record as it was read changes nothing but its etag', async () => {
    const before = await operations.add(alice, everything);
    const { status, body } = await send('PATCH', before.id, before);
    assert.deepEqual([status, contentOf(body)], [200, contentOf(before)]);
  });

  test('PUT replaces the record', async () => {
    const before = await operations.add(alice, everything);
    const { status, body } = await send('PUT', before.id, { artist: 'Can', name: 'Monster Movie' });
    assert.equal(status, 200);
    assert.deepEqual(contentOf(body), {
      id: before.id,
      userId: alice.userId,
      artist: 'Can',
      name: 'Monster Movie',
      createdAt: before.createdAt,
      media: [],
      aliases: [],
    });
    const missing = await send('PUT', before.id, { artist: 'Can' });
    assert.deepEqual([missing.status, missing.body.code], [400, 'INVALID_FIELDS']);
  });

  test('gRPC without a mask sets what is set and leaves empty lists alone', async () => {
    const before = await operations.add(alice, everything);
    const { record } = await started.call({ recordId: before.id, record: { notes: '', rating: 0, hasInsert: false } as Record }, alice);
    assert.deepEqual(contentOf(record as Record), { ...contentOf(before), notes: '', rating: 0, hasInsert: false });
  });

  test('gRPC with a mask changes exactly that, in either spelling, and * replaces', async () => {
    const before = await operations.add(alice, everything);
    const change = async (updateMask: string[], record: Partial<Record>) =>
      contentOf((await started.call({ recordId: before.id, record: record as Record, updateMask }, alice)).record as Record);
    const { aliases: _, rating: __, ...rest } = contentOf(before);
    assert.deepEqual(await change(['aliases', 'rating'], { notes: 'not named' }), { ...rest, aliases: [] });
    assert.equal((await change(['catalogNumber'], { catalogNumber: 'x' })).catalogNumber, 'x');
    assert.equal((await change(['*'], { artist: 'Can', name: 'Rite Time' })).notes, undefined);
  });

  test('a name cannot be cleared', async () => {
    const { id } = await operations.add(alice, {});
    const { status, body } = await send('PATCH', id, { artist: null });
    assert.deepEqual(
      [status, body.errors.map(({ pointer, reason }: { pointer: string; reason: string }) => [pointer.replace(/^#/, ''), reason])],
      [400, [['/artist', 'REQUIRED']]],
    );
    await assert.rejects(started.call({ recordId: id, record: {} as Record, updateMask: ['name'] }, alice), {
      code: 3,
      reason: 'INVALID_FIELDS',
    });
  });

  test('a mask that names no field, or one that only the platform sets, is refused', async () => {
    const { id } = await operations.add(alice, {});
    for (const name of ['nothing', 'etag', 'created_at', 'media.kind']) {
      const { status, body } = await send('PATCH', id, { notes: 'x' }, {}, `?updateMask=notes,${name}`);
      assert.deepEqual([status, body.code, body.errors[0].reason], [400, 'INVALID_FIELDS', 'UNKNOWN_MASK_PATH'], name);
      const refusal = await started
        .call({ recordId: id, record: { notes: 'x' } as Record, updateMask: ['notes', name] }, alice)
        .catch((error) => error);
      assert.deepEqual([refusal.code, refusal.violations[0].reason], [3, 'UNKNOWN_MASK_PATH'], name);
    }
  });

  test('an etag that does not match is 412, and ABORTED; one that does lets the change through', async () => {
    const { id, etag } = await operations.add(alice, {});
    const done = await send('PATCH', id, { notes: '1' }, { 'if-match': `"${etag}"` });
    assert.equal(done.status, 200);
    for (const stale of [`"${etag}"`, `W/"${done.body.etag}"`, '"x"']) {
      const { status, body } = await send('PATCH', id, { notes: '2' }, { 'if-match': stale });
      assert.deepEqual([status, body.code], [412, 'ETAG_MISMATCH'], stale);
    }
    await assert.rejects(started.call({ recordId: id, record: { notes: '2' } as Record, etag }, alice), {
      code: 10,
      reason: 'ETAG_MISMATCH',
    });
    assert.equal((await send('PATCH', id, { notes: '3' }, { 'if-match': '*' })).status, 200);
    assert.equal((await started.call({ recordId: id, record: { notes: '4' } as Record, etag: '3' }, alice)).record?.notes, '4');
  });

  test('a record of another account is not found', async () => {
    const { id } = await operations.add(bob, {});
    const { status, body } = await send('PATCH', id, { notes: 'x' });
    assert.deepEqual([status, body.code], [404, 'NOT_FOUND']);
    await assert.rejects(started.call({ recordId: id, record: { notes: 'x' } as Record }, alice), { code: 5, reason: 'NOT_FOUND' });
  });
});
