import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AutocompleteRequest } from '../../../proto/generated/records.ts';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

describe('autocomplete', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    const bob = await records.newCollector();
    for (const [artist, label, catalogNumber] of [
      ['Miles Davis', 'Columbia', 'CL 1355'],
      ['MILES DAVIS', 'Columbia', 'CL 1193'],
      ['Motörhead', 'Bronze', 'BRON 531'],
      ['Μίκης Θεοδωράκης', undefined, undefined],
      ['100% Proof', 'Hot Wax', 'HA_704'],
      ['坂本龍一', 'Better Days', 'YX-7212'],
      ['Möbius', '', ''],
    ] as const)
      await operations.add(alice, { artist, name: 'x', ...(label !== undefined && { label, catalogNumber }) });
    await operations.add(bob, { artist: 'Moondog', name: 'x', label: 'Columbus', catalogNumber: 'CL 1' });
  });
  after(async () => {
    await operations?.close();
    await records?.drop();
  });

  const complete = async (request: Partial<AutocompleteRequest>) => (await operations.autocomplete(alice, request)).values;

  const cases: readonly { readonly name: string; readonly input: Partial<AutocompleteRequest>; readonly expected: readonly string[] }[] = [
    { name: 'artists in alphabetical order', input: { field: 'ARTIST', prefix: 'm' }, expected: ['Miles Davis', 'Möbius', 'Motörhead'] },
    { name: 'case and accents do not matter', input: { field: 'ARTIST', prefix: 'MÔT' }, expected: ['Motörhead'] },
    { name: 'Greek', input: { field: 'ARTIST', prefix: 'μικ' }, expected: ['Μίκης Θεοδωράκης'] },
    { name: 'Japanese', input: { field: 'ARTIST', prefix: '坂' }, expected: ['坂本龍一'] },
    { name: 'a percent sign is no wildcard', input: { field: 'ARTIST', prefix: '%' }, expected: [] },
    { name: 'a prefix and no part', input: { field: 'ARTIST', prefix: 'davis' }, expected: [] },
    { name: 'labels', input: { field: 'LABEL', prefix: 'co' }, expected: ['Columbia'] },
    { name: 'catalog numbers', input: { field: 'CATALOG_NUMBER', prefix: 'cl' }, expected: ['CL 1193', 'CL 1355'] },
    { name: 'an underscore is no wildcard', input: { field: 'CATALOG_NUMBER', prefix: 'ha_' }, expected: ['HA_704'] },
    { name: 'nothing typed yet', input: { field: 'LABEL', limit: 2 }, expected: ['Better Days', 'Bronze'] },
    { name: 'as many as asked for', input: { field: 'ARTIST', prefix: 'm', limit: 2 }, expected: ['Miles Davis', 'Möbius'] },
    { name: 'nothing that another account has', input: { field: 'ARTIST', prefix: 'moo' }, expected: [] },
  ];
  for (const { name, input, expected } of cases)
    test(name, async () => {
      assert.deepEqual(await complete(input), expected);
    });

  test('it is at most 50, and 10 when nobody says how many', async () => {
    const carol = await records.newCollector();
    await records.database.sql`insert into records.records (id, user_id, artist, name)
      select gen_random_uuid(), ${carol.userId}, 'Artist ' || n % 60, 'x' from generate_series(1, 180) n`;
    for (const [limit, expected] of [
      [0, 10],
      [50, 50],
      [51, 50],
      [2_147_483_647, 50],
    ]) {
      const { values } = await operations.autocomplete(carol, { field: 'ARTIST', prefix: 'artist', limit: limit as number });
      assert.deepEqual([values.length, new Set(values).size], [expected, expected]);
    }
  });
});
