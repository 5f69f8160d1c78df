import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Record } from '../../../proto/generated/records.ts';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

/** What a client can see of a record besides what every change changes. */
const contentOf = ({ updatedAt: _, etag: __, ...content }: Record) => content;

describe('updateRecord', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  let bob: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records, { poolMax: 20 });
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
  });
  after(async () => {
    await operations?.close();
    await records?.drop();
  });

  const update = async (recordId: string, record: Partial<Record>, updateMask?: string[], etag = ''): Promise<Record> =>
    (await operations.updateRecord(alice, { recordId, record, updateMask, etag })).record as Record;

  test('a change of one field changes one field', async () => {
    const before = await operations.add(alice, everything);
    const after = await update(before.id, { notes: 'new' }, ['notes']);
    assert.deepEqual(contentOf(after), { ...contentOf(before), notes: 'new' });
    assert.equal(after.etag, '2');
    assert.ok(after.updatedAt >= before.updatedAt);
    assert.equal(after.createdAt, before.createdAt);
  });

  test('each field can be changed alone, and cleared alone unless it is a name', async () => {
    const { id } = await operations.add(alice, {});
    const names: readonly (readonly [string, keyof Record])[] = Object.keys(everything).map((property) => [
      property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      property as keyof Record,
    ]);
    let expected = contentOf(await operations.add(alice, {}));
    for (const [name, property] of names) {
      const changed = await update(id, everything, [name]);
      expected = { ...expected, id, createdAt: changed.createdAt, [property]: everything[property] };
      if (name === 'price' || name === 'price_paid') expected = { ...expected, price: everything.price, pricePaid: everything.pricePaid };
      if (name === 'media') expected = { ...expected, recordGrade: 'VG+' };
      assert.deepEqual(contentOf(changed), expected, name);
    }
    for (const [name, property] of names.filter(([name]) => name !== 'artist' && name !== 'name')) {
      const cleared = await update(id, {}, [name]);
      const value = cleared[property];
      // The grade that was given shows until its media are cleared, and after that it is what it was.
      if (name !== 'record_grade') assert.ok(value === undefined || (Array.isArray(value) && value.length === 0), name);
    }
    const bare = await update(id, {}, ['record_grade']);
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(bare))).sort(), [
      'aliases',
      'artist',
      'createdAt',
      'etag',
      'id',
      'media',
      'name',
      'updatedAt',
      'userId',
    ]);
  });

  test('PUT replaces: what is absent is cleared', async () => {
    const { id } = await operations.add(alice, everything);
    const after = await update(id, { artist: 'Can', name: 'Future Days', rating: 0 }, ['*']);
    const plain = await operations.add(alice, { artist: 'Can', name: 'Future Days', rating: 0 });
    assert.deepEqual({ ...contentOf(after), id: '', createdAt: '' }, { ...contentOf(plain), id: '', createdAt: '' });
    await assert.rejects(update(id, { artist: 'Can' }, ['*']), { reason: 'INVALID_FIELDS' });
  });

  test('without a mask the optional fields that are set change, and empty lists are left alone', async () => {
    const before = await operations.add(alice, everything);
    const after = await update(before.id, { hasBooklet: true, rating: 0, isPromo: false });
    assert.deepEqual(contentOf(after), { ...contentOf(before), hasBooklet: true, rating: 0, isPromo: false });
    assert.deepEqual((await update(before.id, { aliases: ['one'] })).aliases, ['one']);
  });

  test('a change of nothing changes nothing, and still asks for the record and its etag', async () => {
    const before = await operations.add(alice, everything);
    assert.deepEqual(await update(before.id, {}), before);
    assert.deepEqual(await update(before.id, {}, undefined, '1'), before);
    await assert.rejects(update(before.id, {}, undefined, '2'), { reason: 'ETAG_MISMATCH' });
    await assert.rejects(update(randomUUIDv7(), {}), { reason: 'NOT_FOUND' });
  });

  test('the grade that was given shows again when discs and sides lose theirs', async () => {
    const before = await operations.add(alice, { ...everything, recordGrade: 'M' });
    assert.equal(before.recordGrade, 'VG+');
    assert.equal((await update(before.id, { recordGrade: 'NM' }, ['record_grade'])).recordGrade, 'VG+', 'discs and sides say it');
    assert.equal((await update(before.id, {}, ['media'])).recordGrade, 'NM');
  });

  test('a change is found under the new name, and no longer under the old one', async () => {
    const { id } = await operations.add(alice, { artist: 'Cluster', name: 'Zuckerzeit' });
    await update(id, { name: 'Sowiesoso' });
    const found = async (query: string) => (await operations.searchRecords(alice, { query })).records.map((record) => record.id);
    assert.deepEqual(await found('sowiesoso'), [id]);
    assert.deepEqual(await found('zuckerzeit'), []);
  });

  const conditions = [
    { name: 'its etag', input: '1', done: true },
    { name: 'its etag as the header quotes it', input: '"1"', done: true },
    { name: 'any', input: '*', done: true },
    { name: 'one of a list', input: '"7", "1"', done: true },
    { name: 'an older etag', input: '"0"', done: false },
    { name: 'its etag, weak', input: 'W/"1"', done: false },
    { name: 'nonsense', input: 'x', done: false },
  ];
  for (const { name, input, done } of conditions)
    test(`under the condition ${name} (${input}) the change is ${done ? 'made' : 'refused'}`, async () => {
      const { id } = await operations.add(alice, {});
      const made = update(id, { notes: 'x' }, ['notes'], input);
      if (done) assert.equal((await made).etag, '2');
      else await assert.rejects(made, { reason: 'ETAG_MISMATCH' });
      assert.equal((await operations.getRecord(alice, { recordId: id })).record?.notes, done ? 'x' : undefined);
    });

  test('a record of another account is not found, with or without an etag, and stays as it is', async () => {
    const { id } = await operations.add(alice, { notes: 'mine' });
    for (const etag of ['', '1', '9'])
      await assert.rejects(operations.updateRecord(bob, { recordId: id, record: { notes: 'theirs' }, etag }), { reason: 'NOT_FOUND' });
    assert.equal((await operations.getRecord(alice, { recordId: id })).record?.notes, 'mine');
  });

  test('many changes of different fields at once lose nothing', async () => {
    const { id } = await operations.add(alice, {});
    const { artist: _, name: __, pricePaid: ___, ...fields } = everything;
    await Promise.all(Object.entries(fields).map(([property, value]) => update(id, { [property]: value })));
    const { record } = await operations.getRecord(alice, { recordId: id });
    const { artist: ____, name: _____, ...changed } = everything;
    assert.deepEqual({ ...record, ...changed }, record);
    assert.equal(record?.etag, String(1 + Object.keys(fields).length));
  });

  test('of many changes at once that name the same etag one is made', async () => {
    const { id, etag } = await operations.add(alice, {});
    const answers = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => update(id, { rating: index % 6 }, ['rating'], etag)));
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const answer of answers) if (answer.status === 'rejected') assert.equal(answer.reason.reason, 'ETAG_MISMATCH');
  });
});
