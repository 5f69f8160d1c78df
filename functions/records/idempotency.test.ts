import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Record } from '../../proto/generated/records.ts';
import { type Started, startFunction } from '../testing/start.ts';
import deleteRecord from './delete-record/function.ts';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from './testing.ts';
import updateRecord from './update-record/function.ts';

describe('a write that names itself', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  let bob: Collector;
  let updating: Started<object, object>;
  let deleting: Started<object, object>;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records, { poolMax: 20 });
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
    updating = await startFunction(updateRecord, records.environment);
    deleting = await startFunction(deleteRecord, records.environment);
  });
  after(async () => {
    await updating?.stop();
    await deleting?.stop();
    await operations?.close();
    await records?.drop();
  });

  const revisionOf = async (recordId: string) => (await operations.getRecord(alice, { recordId })).record?.etag;
  const update = async (recordId: string, record: Partial<Record>, requestId: string, more: object = {}) =>
    (await operations.updateRecord(alice, { recordId, record, requestId, ...more })).record as Record;

  test('is changed once, and the first answer comes again, as it was then', async () => {
    const { id } = await operations.add(alice, everything);
    const first = await update(id, { notes: 'one' }, 'change');
    await update(id, { notes: 'two' }, '');
    assert.deepEqual(await update(id, { notes: 'one' }, 'change'), first);
    assert.deepEqual(await update(id.toUpperCase(), { notes: 'one' }, 'change'), first, 'an id in capitals is the same request');
    const { record } = await operations.getRecord(alice, { recordId: id });
    assert.deepEqual([record?.notes, record?.etag], ['two', '3']);
  });

  test('another request under the same name is refused, whatever it would do', async () => {
    const [one, other] = [await operations.add(alice, {}), await operations.add(alice, {})];
    await update(one.id, { notes: 'x' }, 'mine');
    const reused = { reason: 'IDEMPOTENCY_KEY_REUSED' };
    await assert.rejects(update(one.id, { notes: 'y' }, 'mine'), reused);
    await assert.rejects(update(other.id, { notes: 'x' }, 'mine'), reused);
    await assert.rejects(update(one.id, { notes: 'x' }, 'mine', { etag: '1' }), reused);
    await assert.rejects(update(one.id, { notes: 'x', label: 'z' }, 'mine', { updateMask: ['notes', 'label'] }), reused);
    await assert.rejects(operations.deleteRecord(alice, { recordId: one.id, requestId: 'mine' }), reused);
    await assert.rejects(operations.createRecord(alice, { record: { artist: 'x', name: 'x' }, requestId: 'mine' }), reused);
    assert.equal(await revisionOf(other.id), '1');
  });

  test('is of its account alone', async () => {
    const [hers, his] = [await operations.add(alice, {}), await operations.add(bob, {})];
    await update(hers.id, { notes: 'hers' }, 'shared');
    const { record } = await operations.updateRecord(bob, { recordId: his.id, record: { notes: 'his' }, requestId: 'shared' });
    assert.equal(record?.notes, 'his');
  });

  test('that was refused may be tried again', async () => {
    const { id } = await operations.add(alice, {});
    await assert.rejects(update(id, { notes: 'x' }, 'refused', { etag: '9' }), { reason: 'ETAG_MISMATCH' });
    await assert.rejects(operations.deleteRecord(alice, { recordId: id, requestId: 'refused too', etag: '9' }), {
      reason: 'ETAG_MISMATCH',
    });
    assert.equal((await update(id, { notes: 'x' }, 'refused')).etag, '2');
    assert.deepEqual(await operations.deleteRecord(alice, { recordId: id, requestId: 'refused too' }), { success: true });
  });

  test('of many at once is done once', async () => {
    const { id } = await operations.add(alice, {});
    const answers = await Promise.allSettled(Array.from({ length: 16 }, () => update(id, { notes: 'x' }, 'at once')));
    for (const answer of answers) if (answer.status === 'rejected') assert.equal(answer.reason.reason, 'REQUEST_IN_PROGRESS');
    assert.ok(answers.some(({ status }) => status === 'fulfilled'));
    assert.equal(await revisionOf(id), '2');
  });

  test('with an etag is repeated without a mismatch', async () => {
    const { id, etag } = await operations.add(alice, {});
    const first = await update(id, { notes: 'x' }, 'with an etag', { etag });
    assert.deepEqual(await update(id, { notes: 'x' }, 'with an etag', { etag }), first);
  });

  test('removes once, and says again that it did', async () => {
    const { id } = await operations.add(alice, {});
    assert.deepEqual(await operations.deleteRecord(alice, { recordId: id, requestId: 'away' }), { success: true });
    assert.deepEqual(await operations.deleteRecord(alice, { recordId: id, requestId: 'away' }), { success: true });
    await assert.rejects(operations.deleteRecord(alice, { recordId: id, requestId: 'once more' }), { reason: 'NOT_FOUND' });
  });

  test('says its name in a header on HTTP, and request_id on gRPC is the same', async () => {
    const { id } = await operations.add(alice, {});
    const headers = { 'idempotency-key': 'by header' };
    const patch = (body: object) => updating.json('PATCH', `/api/records/${id}`, { body, token: alice.token, headers });
    const first = await patch({ notes: 'x' });
    assert.deepEqual([first.status, first.body.etag], [200, '2']);
    assert.deepEqual((await patch({ notes: 'x' })).body, first.body);
    assert.deepEqual([(await patch({ notes: 'y' })).status, (await patch({ notes: 'y' })).body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
    const { record } = (await updating.call(
      { recordId: id, record: { notes: 'x' }, updateMask: ['notes'], requestId: 'by header' },
      alice,
    )) as {
      record: Record;
    };
    assert.equal(record.etag, '2');
    const remove = () => deleting.json('DELETE', `/api/records/${id}`, { token: alice.token, headers: { 'idempotency-key': 'removal' } });
    assert.deepEqual([(await remove()).status, (await remove()).status], [204, 204]);
  });
});

describe('many writers of one record', () => {
  test('who read, add one and write under the etag that they read count right', async () => {
    const records = await recordsTest();
    const operations = await recordsOperations(records, { poolMax: 20 });
    const alice = await records.newCollector();
    const updating = await startFunction(updateRecord, records.environment);
    try {
      const { id } = await operations.add(alice, { notes: '0' });
      const [writers, times] = [16, 10];
      let refused = 0;
      const addOne = async (): Promise<void> => {
        for (;;) {
          const { record } = await operations.getRecord(alice, { recordId: id });
          const { status } = await updating.json('PATCH', `/api/records/${id}`, {
            body: { notes: String(Number(record?.notes) + 1) },
            token: alice.token,
            headers: { 'if-match': `"${record?.etag}"` },
          });
          if (status === 200) return;
          assert.equal(status, 412);
          refused++;
        }
      };
      await Promise.all(
        Array.from({ length: writers }, async () => {
          for (let time = 0; time < times; time++) await addOne();
        }),
      );
      const { record } = await operations.getRecord(alice, { recordId: id });
      assert.deepEqual([record?.notes, record?.etag], [String(writers * times), String(writers * times + 1)]);
      assert.ok(refused > 0, 'they did get in each other’s way');
    } finally {
      await updating.stop();
      await operations.close();
      await records.drop();
    }
  });
});
