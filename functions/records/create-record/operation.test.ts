import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Refusal } from '../../runtime/refusal.ts';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

describe('createRecord', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  let bob: Collector;
  const record = { artist: 'Can', name: 'Ege Bamyasi' };
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records, { poolMax: 20 });
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
  });
  after(async () => {
    await operations?.close();
    await records?.drop();
  });

  const countOf = async (name: string): Promise<number> => {
    const [row] = await records.database.sql`select count(*)::int as count from records.records where name = ${name}`;
    return row?.count;
  };

  test('spellings become canonical', async () => {
    const made = await operations.add(alice, {
      recordGrade: 'near mint',
      sleeveGrade: 'Very Good Plus (VG+)',
      price: '1',
      currency: 'eur',
      addedAt: '2024-05-17T12:00:00+02:00',
    });
    assert.deepEqual(
      [made.recordGrade, made.sleeveGrade, made.price, made.pricePaid, made.currency, made.addedAt],
      ['NM', 'VG+', '1.00', 1, 'EUR', '2024-05-17T10:00:00.000Z'],
    );
  });

  test('prices are exact', async () => {
    for (const price of ['0.00', '0.01', '0.10', '0.30', '45035996273.71', '999999999999.98', '999999999999.99']) {
      const made = await operations.add(alice, { price });
      assert.deepEqual([made.price, made.pricePaid], [price, Number(price)]);
      assert.equal((await operations.add(alice, { pricePaid: Number(price) })).price, price);
    }
    assert.equal((await operations.add(alice, { pricePaid: 0.1 + 0.2 })).price, '0.30');
  });

  test('the grade is the worst of discs and sides where they have one, else what was given', async () => {
    const medium = { index: 1, kind: 'VINYL', sizeInch: 12, speedRpm: 33, discGrade: '', sides: [] } as const;
    const graded = await operations.add(alice, {
      recordGrade: 'M',
      media: [
        {
          ...medium,
          sides: [
            { letter: 'A', grade: 'NM' },
            { letter: 'B', grade: 'vg' },
          ],
        },
      ],
    });
    assert.equal(graded.recordGrade, 'VG');
    assert.equal((await operations.add(alice, { recordGrade: 'M', media: [{ ...medium, sides: [] }] })).recordGrade, 'M');
    assert.equal((await operations.add(alice, {})).recordGrade, undefined);
  });

  test('other scripts, emoji and what looks like SQL are kept to the letter', async () => {
    for (const text of [
      '坂本龍一',
      'Кино',
      'مدينة',
      '𝄞 💿🏴‍☠️',
      "'; drop table records.records; --",
      '$1 %s \\x00 {{}}',
      '  spaces  ',
      'e\u0301',
      '\u202eabc',
      '"',
      "'",
      '\n\t' + 'x',
    ])
      assert.equal((await operations.add(alice, { artist: text, name: text, aliases: [text], notes: text })).artist, text);
  });

  test('the longest values fit', async () => {
    const long = '💿'.repeat(256);
    const made = await operations.add(alice, {
      artist: long,
      name: long,
      notes: '💿'.repeat(4096),
      aliases: Array.from({ length: 50 }, () => long),
      media: Array.from({ length: 20 }, (_, index) => ({
        index: index + 81,
        kind: 'VINYL' as const,
        sizeInch: 7,
        speedRpm: 78,
        discGrade: 'P',
        sides: [],
      })),
    });
    assert.deepEqual([made.aliases.length, made.media.length, made.notes?.length], [50, 20, 8192]);
  });

  test('what the database would refuse is refused in words before', async () => {
    const error = await operations.add(alice, { artist: ' ', releaseYear: 1, purchasedAt: '2024-02-30' }).catch((thrown) => thrown);
    assert.ok(error instanceof Refusal);
    assert.deepEqual(
      error.violations.map(({ reason }) => reason),
      ['BLANK', 'NOT_A_DATE', 'OUT_OF_RANGE'],
    );
  });

  test('a request that names itself is done once, and gets its first answer again', async () => {
    const request = { record: { ...everything, name: 'Once' }, requestId: 'a request' };
    const first = await operations.createRecord(alice, request);
    assert.deepEqual(await operations.createRecord(alice, request), first);
    const id = first.record?.id as string;
    await operations.updateRecord(alice, { recordId: id, record: { notes: 'changed' } });
    assert.deepEqual(await operations.createRecord(alice, request), first, 'as it was then');
    await operations.deleteRecord(alice, { recordId: id });
    assert.deepEqual(await operations.createRecord(alice, request), first, 'even when it is gone');
    assert.equal(await countOf('Once'), 0);
  });

  test('another spelling of the same record is the same request, another record is not', async () => {
    const requestId = 'spelled';
    const first = await operations.createRecord(alice, { record: { ...record, sleeveGrade: 'NM' }, requestId });
    assert.deepEqual(await operations.createRecord(alice, { record: { ...record, sleeveGrade: 'near mint' }, requestId }), first);
    await assert.rejects(operations.createRecord(alice, { record: { ...record, sleeveGrade: 'VG' }, requestId }), {
      reason: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  test('two accounts may choose the same name for a request', async () => {
    const requestId = 'shared';
    const mine = await operations.createRecord(alice, { record, requestId });
    const theirs = await operations.createRecord(bob, { record: { ...record, notes: 'mine' }, requestId });
    assert.notEqual(mine.record?.id, theirs.record?.id);
  });

  test('of many equal requests at once one is done, and the others get its answer or are told that it is running', async () => {
    const request = { record: { artist: 'Can', name: 'At once' }, requestId: 'at once' };
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => operations.createRecord(alice, request)));
    const ids = new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.record?.id] : [])));
    const reasons = new Set(answers.flatMap((answer) => (answer.status === 'rejected' ? [(answer.reason as Refusal).reason] : [])));
    assert.equal(ids.size, 1);
    assert.deepEqual(
      [...reasons].filter((reason) => reason !== 'REQUEST_IN_PROGRESS'),
      [],
    );
    assert.equal(await countOf('At once'), 1);
  });

  test('while a request runs, the same again is told so and does not wait', async () => {
    const requestId = 'slow';
    await records.database.sql.begin(async (running) => {
      await running`select pg_advisory_xact_lock(hashtextextended(${requestId}, hashtextextended(${alice.userId}, 0)))`;
      await assert.rejects(operations.createRecord(alice, { record, requestId }), { reason: 'REQUEST_IN_PROGRESS' });
    });
    assert.ok((await operations.createRecord(alice, { record, requestId })).record);
  });

  test('a request that failed may be tried again under its name', async () => {
    const requestId = 'failed';
    await assert.rejects(operations.createRecord(alice, { record: { artist: 'x' }, requestId }), { reason: 'INVALID_FIELDS' });
    assert.ok((await operations.createRecord(alice, { record, requestId })).record);
  });

  test('after 24 hours a name is free again, and the old answers of the account are gone', async () => {
    const requestId = 'yesterday';
    const first = await operations.createRecord(alice, { record, requestId });
    await records.database
      .sql`update records.idempotency set created_at = now() - interval '24 hours 1 second' where user_id = ${alice.userId}`;
    const again = await operations.createRecord(alice, { record: { ...record, notes: 'another' }, requestId });
    assert.notEqual(again.record?.id, first.record?.id);
    const [kept] = await records.database.sql`select count(*)::int as count from records.idempotency where user_id = ${alice.userId}`;
    assert.equal(kept?.count, 1);
  });
});
