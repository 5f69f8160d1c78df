import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

describe('getPriceStats', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    const bob = await records.newCollector();
    // 1.00 to 20.00 euros; two prices in dollars, one in nothing, one record without a price.
    for (let price = 1; price <= 20; price++)
      await operations.add(alice, { price: String(price), currency: 'EUR', releaseYear: 1950 + price });
    await operations.add(alice, { price: '0.10', currency: 'USD', artist: 'Neu!' });
    await operations.add(alice, { price: '0.25', currency: 'USD', artist: 'Neu!' });
    await operations.add(alice, { price: '999999999999.99' });
    await operations.add(alice, {});
    await operations.add(bob, { price: '5000', currency: 'EUR' });
  });
  after(async () => {
    await operations?.close();
    await records?.drop();
  });

  test('prices are counted by currency, exactly', async () => {
    assert.deepEqual(await operations.getPriceStats(alice, {}), {
      stats: [
        { currency: 'EUR', count: 20, min: '1.00', median: '10.50', mean: '10.50', p90: '18.00', max: '20.00', sum: '210.00' },
        { currency: 'USD', count: 2, min: '0.10', median: '0.18', mean: '0.18', p90: '0.25', max: '0.25', sum: '0.35' },
        {
          currency: undefined,
          count: 1,
          min: '999999999999.99',
          median: '999999999999.99',
          mean: '999999999999.99',
          p90: '999999999999.99',
          max: '999999999999.99',
          sum: '999999999999.99',
        },
      ],
      withoutPrice: 1,
      countsAreLowerBounds: false,
    });
  });

  test('a query and filters narrow them, a typo notwithstanding', async () => {
    const { stats, withoutPrice } = await operations.getPriceStats(alice, { query: 'neuu' });
    assert.deepEqual([stats.map(({ currency, sum }) => [currency, sum]), withoutPrice], [[['USD', '0.35']], 0]);
    const odd = await operations.getPriceStats(alice, { yearMin: 1951, yearMax: 1953 });
    assert.deepEqual(odd.stats, [
      { currency: 'EUR', count: 3, min: '1.00', median: '2.00', mean: '2.00', p90: '3.00', max: '3.00', sum: '6.00' },
    ]);
    assert.deepEqual(await operations.getPriceStats(alice, { query: 'xyzzy' }), {
      stats: [],
      withoutPrice: 0,
      countsAreLowerBounds: false,
    });
  });

  test('an account without records has no prices', async () => {
    const carol = await records.newCollector();
    assert.deepEqual(await operations.getPriceStats(carol, {}), { stats: [], withoutPrice: 0, countsAreLowerBounds: false });
  });

  test('over many prices, median and p90 are those of a list that is sorted by hand', async () => {
    const dave = await records.newCollector();
    const cents = Array.from({ length: 1001 }, (_, n) => (n * 7919) % 100_003);
    await records.database.sql`insert into records.records (id, user_id, artist, name, price, currency)
      select gen_random_uuid(), ${dave.userId}, 'x', 'x', cents::numeric / 100, 'EUR'
      from unnest(${`{${cents.join(',')}}`}::text::integer[]) cents`;
    const sorted = cents.toSorted((a, b) => a - b);
    const text = (value: number) => (value / 100).toFixed(2);
    const [stats] = (await operations.getPriceStats(dave, {})).stats;
    assert.equal(stats?.median, text(sorted[500] as number));
    assert.equal(stats?.p90, text(sorted[900] as number), 'the 901st of 1,001');
    assert.equal(stats?.sum, text(cents.reduce((a, b) => a + b)));
  });
});
