import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

describe('getFacets', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    const bob = await records.newCollector();
    for (const record of [
      { artist: 'Miles Davis', label: 'Columbia', format: '2×LP, Album', releaseYear: 1970 },
      { artist: 'Miles Davis', label: 'COLUMBIA', format: 'LP, Mono', releaseYear: 1959 },
      { artist: 'Can', label: 'United Artists', format: 'lp', releaseDate: '1971-02-01' },
      { artist: 'Can', label: 'Spoon', format: 'CD', releaseYear: 1989 },
      { artist: 'Can' },
    ])
      await operations.add(alice, record);
    await operations.add(bob, { artist: 'Can', label: 'Mute', format: 'DVD', releaseYear: 2000 });
  });
  after(async () => {
    await operations?.close();
    await records?.drop();
  });

  test('it counts formats, labels and decades of all records, the most frequent first', async () => {
    const { formats, labels, decades, countsAreLowerBounds } = await operations.getFacets(alice, {});
    assert.deepEqual(
      formats.map(({ value, count }) => [value.toLowerCase(), count]),
      [
        ['lp', 3],
        ['cd', 1],
      ],
    );
    assert.deepEqual(
      labels.map(({ value, count }) => [value.toLowerCase(), count]),
      [
        ['columbia', 2],
        ['spoon', 1],
        ['united artists', 1],
      ],
    );
    assert.deepEqual(decades, [
      { decade: 1970, count: 2 },
      { decade: 1950, count: 1 },
      { decade: 1980, count: 1 },
    ]);
    assert.equal(countsAreLowerBounds, false);
  });

  test('a value is good as a filter, and finds as many', async () => {
    const { formats, labels } = await operations.getFacets(alice, {});
    for (const { value, count } of formats) assert.equal((await operations.searchRecords(alice, { format: value })).total, count);
    for (const { value, count } of labels) assert.equal((await operations.searchRecords(alice, { label: value })).total, count);
  });

  test('a query and filters narrow them, a typo notwithstanding', async () => {
    assert.deepEqual((await operations.getFacets(alice, { query: 'mlies', yearMin: 1960 })).decades, [{ decade: 1970, count: 1 }]);
    assert.deepEqual((await operations.getFacets(alice, { artist: 'can' })).labels.length, 2);
    assert.deepEqual((await operations.getFacets(alice, { limit: 1 })).labels.length, 1);
    assert.deepEqual(await operations.getFacets(alice, { query: 'xyzzy' }), {
      formats: [],
      labels: [],
      decades: [],
      countsAreLowerBounds: false,
    });
  });

  test('above 10,000 records of a query the counts are lower bounds; without one they are exact', async () => {
    const carol = await records.newCollector();
    await records.database.sql`insert into records.records (id, user_id, artist, name, format)
      select gen_random_uuid(), ${carol.userId}, 'Various', 'Volume ' || n, 'LP' from generate_series(1, 10001) n`;
    const found = await operations.getFacets(carol, { query: 'various' });
    assert.deepEqual([found.formats, found.countsAreLowerBounds], [[{ value: 'LP', count: 10_000 }], true]);
    const all = await operations.getFacets(carol, {});
    assert.deepEqual([all.formats, all.countsAreLowerBounds], [[{ value: 'LP', count: 10_001 }], false]);
  });
});
