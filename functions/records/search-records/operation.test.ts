import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Record, SearchRecordsRequest } from '../../../proto/generated/records.ts';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';

const collection: readonly Partial<Record>[] = [
  { artist: 'Miles Davis', name: 'Kind of Blue' },
  { artist: 'Miles Davis', name: 'Bitches Brew' },
  { artist: 'John Coltrane', name: 'Blue Train' },
  { artist: 'Joni Mitchell', name: 'Blue' },
  { artist: 'The Beatles', name: 'Abbey Road' },
  { artist: 'The Beatles', name: 'The Beatles', aliases: ['The White Album'] },
  { artist: 'Björk', name: 'Homogenic' },
  { artist: 'Sigur Rós', name: 'Ágætis byrjun' },
  { artist: 'Motörhead', name: 'Ace of Spades' },
  { artist: 'AC/DC', name: 'Back in Black' },
  { artist: '!!!', name: 'Louden Up Now' },
  { artist: '100% Proof', name: 'snake_case\\path' },
  { artist: 'Кино', name: 'Группа крови' },
  { artist: '坂本龍一', name: '千のナイフ', aliases: ['Ryuichi Sakamoto'] },
  { artist: "Guns N' Roses", name: 'Appetite  for\u00a0Destruction' },
  { artist: 'Nirvana', name: 'Nevermind' },
];

describe('searchRecords', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    const bob = await records.newCollector();
    for (const record of collection) await operations.add(alice, record);
    for (const record of collection) await operations.add(bob, { ...record, name: `${record.name} (Bob's)` });
  });
  after(async () => {
    await operations?.close();
    await records?.drop();
  });

  const search = (request: Partial<SearchRecordsRequest>, caller = alice) => operations.searchRecords(caller, request);
  const namesOf = async (query: string) => (await search({ query })).records.map(({ name }) => name);

  const queries: readonly { readonly name: string; readonly input: string; readonly expected: readonly string[] }[] = [
    { name: 'a name', input: 'Kind of Blue', expected: ['Kind of Blue'] },
    { name: 'equal, then beginning with it, then containing it', input: 'blue', expected: ['Blue', 'Blue Train', 'Kind of Blue'] },
    { name: 'an artist, newest first', input: 'MILES  DAVIS', expected: ['Bitches Brew', 'Kind of Blue'] },
    { name: 'artist and name in any order', input: 'blue miles', expected: ['Kind of Blue'] },
    { name: 'artist and name together', input: 'joni mitchell blue', expected: ['Blue'] },
    { name: 'a part of a word', input: 'itche', expected: ['Blue', 'Bitches Brew'] },
    { name: 'an alias', input: 'white album', expected: ['The Beatles'] },
    { name: 'an alias in another script', input: 'sakamoto', expected: ['千のナイフ'] },
    { name: 'no accents', input: 'agaetis bjork'.split(' ')[0] as string, expected: ['Ágætis byrjun'] },
    { name: 'accents that are not there', input: 'Nírvàna', expected: ['Nevermind'] },
    { name: 'accents as characters of their own', input: 'Bjo\u0308rk', expected: ['Homogenic'] },
    { name: 'wide letters', input: 'ＡＢＢＥＹ', expected: ['Abbey Road'] },
    { name: 'Cyrillic', input: 'ГРУППА', expected: ['Группа крови'] },
    { name: 'Japanese', input: 'ナイフ', expected: ['千のナイフ'] },
    { name: 'spaces of other kinds', input: 'appetite for destruction', expected: ['Appetite  for\u00a0Destruction'] },
    { name: 'an apostrophe', input: "n' roses", expected: ['Appetite  for\u00a0Destruction'] },
    { name: 'punctuation alone', input: '!!!', expected: ['Louden Up Now'] },
    { name: 'a slash', input: 'ac/dc', expected: ['Back in Black'] },
    { name: 'a percent sign, which is no wildcard', input: '0%', expected: ['snake_case\\path'] },
    { name: 'an underscore, which is no wildcard', input: 'e_c', expected: ['snake_case\\path'] },
    { name: 'a backslash', input: 'case\\p', expected: ['snake_case\\path'] },
    { name: 'a lone percent sign', input: '%', expected: ['snake_case\\path'] },
    { name: 'a pattern that would match everything', input: '%_%', expected: [] },
    { name: 'SQL', input: "'; drop table records.records; --", expected: [] },
    { name: 'nothing alike', input: 'xyzzy', expected: [] },
    { name: 'a typo: a letter left out', input: 'Mils Davis', expected: ['Bitches Brew', 'Kind of Blue'] },
    { name: 'a typo: two letters swapped', input: 'Abbye Raod', expected: ['Abbey Road'] },
    { name: 'a typo: the first letter', input: 'Nitches', expected: ['Bitches Brew'] },
    { name: 'a typo: a letter that is a space', input: 'abbey-road', expected: ['Abbey Road'] },
    { name: 'a typo in a short word', input: 'bleu', expected: ['Blue', 'Blue Train', 'Kind of Blue', 'Bitches Brew'] },
    { name: 'what is no typo of a regular expression', input: '(.*)+[a-z', expected: [] },
    { name: 'a typo: a letter doubled', input: 'colltrane', expected: ['Blue Train'] },
    { name: 'a typo in one word', input: 'nevermnid', expected: ['Nevermind'] },
    { name: 'a typo and no accents', input: 'motorhaed', expected: ['Ace of Spades'] },
    { name: 'a typo in Cyrillic', input: 'группо', expected: ['Группа крови'] },
    { name: 'a typo in an alias', input: 'Ryuchi Sakamotto', expected: ['千のナイフ'] },
  ];
  for (const { name, input, expected } of queries)
    test(`${name} (${JSON.stringify(input)}) finds ${expected.length === 0 ? 'nothing' : JSON.stringify(expected)}`, async () => {
      const { records: found, total, nextPageToken } = await search({ query: input });
      assert.deepEqual(
        found.map(({ name: title }) => title),
        expected,
      );
      assert.equal(total, expected.length);
      assert.equal(nextPageToken, '');
    });

  test('the best match of a typo comes first', async () => {
    assert.equal((await namesOf('the beetles'))[0], 'The Beatles');
    assert.equal((await namesOf('kind of bleu'))[0], 'Kind of Blue');
  });

  describe('a typo is followed by what needs more of them, until there are ten', () => {
    let ivan: Collector;
    before(async () => {
      ivan = await records.newCollector();
      for (const name of ['Quintet', 'Quartet', 'Nonet', 'Sextet']) await operations.add(ivan, { artist: 'Various', name });
    });
    const found = async (request: Partial<SearchRecordsRequest>) => (await search(request, ivan)).records.map(({ name }) => name);

    test('fewer typos come first', async () => assert.deepEqual(await found({ query: 'quintte' }), ['Quintet']));
    test('one typo, then two', async () => assert.deepEqual(await found({ query: 'quatet' }), ['Quartet', 'Quintet']));
    test('what is there to the letter is not followed by what is near', async () =>
      assert.deepEqual(await found({ query: 'quartet' }), ['Quartet']));
    test('with a filter and in another order too', async () => {
      assert.deepEqual(await found({ query: 'quatet', order: 'OLDEST' }), ['Quintet', 'Quartet']);
      assert.deepEqual(await found({ query: 'quatet', artist: 'various' }), ['Quartet', 'Quintet']);
    });
    test('pages go on with the same list', async () => {
      const first = await search({ query: 'quatet', limit: 1 }, ivan);
      // As good as what was seen, and newer: so it comes on no later page.
      await operations.add(ivan, { artist: 'Various', name: 'Quartet' });
      const second = await search({ query: 'quatet', limit: 5, pageToken: first.nextPageToken }, ivan);
      assert.deepEqual([first.records[0]?.name, ...second.records.map(({ name }) => name)], ['Quartet', 'Quintet']);
    });
    test('a word with a sign in it may hold a typo too', async () => {
      await operations.add(ivan, { artist: 'AC/DC', name: 'Powerage' });
      assert.deepEqual(await found({ query: 'ac/dv' }), ['Powerage']);
    });
    test('where ten records have one typo, those with two are left out', async () => {
      for (let number = 1; number <= 8; number++) await operations.add(ivan, { artist: 'Various', name: `Quartet ${number}` });
      const { records: list, total } = await search({ query: 'quatret' }, ivan);
      assert.deepEqual([list.length, total, list.every(({ name }) => name?.startsWith('Quartet'))], [10, 10, true]);
    });
  });

  test('without a query, or with spaces alone, it is all of them, the newest first', async () => {
    const newest = collection.map(({ name }) => name).reverse();
    for (const query of ['', '  ', '\u3000\n']) assert.deepEqual(await namesOf(query), newest);
    const { records: found, total } = await search({});
    assert.equal(total, collection.length);
    for (const record of found) assert.equal(record.userId, alice.userId);
  });

  test('an account without records has an empty list', async () => {
    const carol = await records.newCollector();
    assert.deepEqual(await search({}, carol), { records: [], total: 0, nextPageToken: '' });
    assert.deepEqual(await search({ query: 'blue' }, carol), { records: [], total: 0, nextPageToken: '' });
  });

  test('the total counts what matches and not what the page holds, even on an empty page', async () => {
    for (const query of ['', 'e']) {
      const { total: all } = await search({ query });
      for (const page of [
        { limit: 1, offset: 0 },
        { limit: 2, offset: 3 },
        { limit: 5, offset: 999_999 },
      ]) {
        const { records: found, total } = await search({ query, ...page });
        assert.equal(total, all);
        assert.equal(found.length, page.offset === 999_999 ? 0 : page.limit);
      }
    }
  });

  test('offsets walk through the list without a gap', async () => {
    const walked: string[] = [];
    for (let offset = 0; offset < collection.length; offset += 5)
      walked.push(...(await search({ limit: 5, offset })).records.map(({ id }) => id));
    assert.deepEqual(
      walked,
      (await search({})).records.map(({ id }) => id),
    );
  });

  test('a page holds 50 records when nobody says how many, and 200 at most', async () => {
    const dave = await records.newCollector();
    await records.database.sql`insert into records.records (id, user_id, artist, name)
      select gen_random_uuid(), ${dave.userId}, 'Various', 'Volume ' || n from generate_series(1, 205) n`;
    for (const { limit, expected } of [
      { limit: 0, expected: 50 },
      { limit: 200, expected: 200 },
      { limit: 201, expected: 200 },
      { limit: 2_147_483_647, expected: 200 },
    ]) {
      const { records: found, total, nextPageToken } = await search({ limit }, dave);
      assert.deepEqual([found.length, total, nextPageToken !== ''], [expected, 205, true]);
    }
    // Made in one statement, so at one time: the id then decides.
    const first = await search({ limit: 200 }, dave);
    const second = await search({ limit: 200, pageToken: first.nextPageToken }, dave);
    assert.deepEqual([second.records.length, second.total, second.nextPageToken], [5, 205, '']);
    assert.equal(new Set([...first.records, ...second.records].map(({ id }) => id)).size, 205);
  });

  for (const query of ['', 'volume', 'volumne'])
    test(`pages of ${JSON.stringify(query)} follow one another while records are added and removed`, async () => {
      const eve = await records.newCollector();
      const made: Record[] = [];
      for (let number = 1; number <= 9; number++) made.push(await operations.add(eve, { artist: 'Various', name: `Volume ${number}` }));
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await search({ query, limit: 2, pageToken }, eve);
        seen.push(...page.records.map(({ name }) => name as string));
        // What is added belongs before the first page, and what is removed has been seen: neither moves what follows.
        await operations.add(eve, { artist: 'Various', name: `Volume new ${seen.length}` });
        await operations.deleteRecord(eve, { recordId: page.records[0]?.id as string });
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      assert.deepEqual(seen, made.map(({ name }) => name).reverse());
    });

  test('a page token is one of this list, and of this account', async () => {
    const { nextPageToken } = await search({ query: 'e', limit: 1 });
    assert.notEqual(nextPageToken, '');
    assert.ok(!Buffer.from(nextPageToken, 'base64url').toString('latin1').includes(alice.userId));
    const bob = await records.newCollector();
    const refused = { reason: 'MALFORMED_PAGE_TOKEN' };
    await assert.rejects(search({ query: 'e', pageToken: nextPageToken }, bob), refused);
    await assert.rejects(search({ query: 'ee', pageToken: nextPageToken }), refused);
    await assert.rejects(search({ pageToken: nextPageToken }), refused);
    await assert.rejects(search({ query: 'e', pageToken: `${nextPageToken}A` }), refused);
    await assert.rejects(search({ query: 'e', pageToken: 'x' }), refused);
    assert.ok(await search({ query: 'e', limit: 3, pageToken: nextPageToken }), 'another size of page is fine');
  });

  test('an offset and a page token exclude each other', async () => {
    const { nextPageToken } = await search({ limit: 1 });
    const error = await search({ limit: 1, offset: 1, pageToken: nextPageToken }).catch((thrown) => thrown);
    assert.equal(error.reason, 'INVALID_FIELDS');
    assert.deepEqual(error.violations[0].path, ['offset']);
  });

  describe('in a shelf of jazz', () => {
    let grace: Collector;
    const shelf: readonly Partial<Record>[] = [
      {
        artist: 'Miles Davis',
        name: 'Milestones',
        label: 'Columbia',
        catalogNumber: 'CL 1193',
        format: 'LP, Mono',
        releaseYear: 1958,
        recordGrade: 'VG+',
        price: '40.00',
        currency: 'USD',
      },
      {
        artist: 'Miles Davis',
        name: 'Bitches Brew',
        label: 'Columbia',
        catalogNumber: 'GP 26',
        format: '2×LP, Album',
        releaseYear: 1970,
        recordGrade: 'NM',
        price: '35.50',
        currency: 'EUR',
      },
      {
        artist: 'Jan Garbarek',
        name: 'Dis',
        label: 'ECM Records',
        catalogNumber: 'ECM 1093',
        format: 'LP',
        releaseDate: '1977-01-01',
        recordGrade: 'EX',
      },
      {
        artist: 'Björk',
        name: 'Debut',
        label: 'One Little Indian',
        catalogNumber: 'TPLP 31',
        format: 'CD',
        releaseYear: 1993,
        price: '5.00',
        currency: 'EUR',
      },
      { artist: 'AC/DC', name: 'Highway to Hell', label: 'Atlantic', catalogNumber: 'SD-19244', format: '2xLP', recordGrade: 'G' },
    ];
    before(async () => {
      grace = await records.newCollector();
      for (const record of shelf) await operations.add(grace, record);
    });
    const found = async (request: Partial<SearchRecordsRequest>) => (await search(request, grace)).records.map(({ name }) => name);

    const cases: readonly { readonly name: string; readonly input: Partial<SearchRecordsRequest>; readonly expected: readonly string[] }[] =
      [
        { name: 'a label', input: { query: 'ecm' }, expected: ['Dis'] },
        { name: 'a label with a typo', input: { query: 'colunbia' }, expected: ['Bitches Brew', 'Milestones'] },
        { name: 'a catalog number', input: { query: 'CL 1193' }, expected: ['Milestones'] },
        { name: 'a catalog number written together', input: { query: 'sd19244' }, expected: ['Highway to Hell'] },
        { name: 'a catalog number with a wrong digit', input: { query: 'ecm1094' }, expected: ['Dis'] },
        { name: 'artist and label', input: { query: 'columbia miles brew' }, expected: ['Bitches Brew'] },
        { name: 'words without their punctuation', input: { query: 'acdc' }, expected: ['Highway to Hell'] },
        { name: 'words with spaces for their punctuation', input: { query: 'ac dc highway' }, expected: ['Highway to Hell'] },
        { name: 'a missing word', input: { query: 'highway hell' }, expected: ['Highway to Hell'] },
        { name: 'two typos in a word', input: { query: 'garbaerk jna' }, expected: ['Dis'] },
        { name: 'two typos in one word', input: { query: 'gabrerek' }, expected: ['Dis'] },
        { name: 'a word too many', input: { query: 'miles davis bitches remastered' }, expected: ['Bitches Brew'] },
        { name: 'a short word that is wrong', input: { query: 'highway ot hell' }, expected: ['Highway to Hell'] },
        { name: 'the filter artist', input: { artist: 'bjork' }, expected: ['Debut'] },
        { name: 'the filter label', input: { label: '  columbia ' }, expected: ['Bitches Brew', 'Milestones'] },
        {
          name: 'the filter format, however many there are',
          input: { format: 'lp' },
          expected: ['Highway to Hell', 'Dis', 'Bitches Brew', 'Milestones'],
        },
        { name: 'years, of a date as well', input: { yearMin: 1970, yearMax: 1979 }, expected: ['Dis', 'Bitches Brew'] },
        { name: 'a grade at least', input: { gradeMin: 'vg plus' }, expected: ['Dis', 'Bitches Brew', 'Milestones'] },
        { name: 'prices', input: { priceMin: '5', priceMax: '35.50' }, expected: ['Debut', 'Bitches Brew'] },
        { name: 'prices of one currency', input: { priceMin: '10', currency: 'usd' }, expected: ['Milestones'] },
        { name: 'a query and filters', input: { query: 'mils', yearMin: 1960 }, expected: ['Bitches Brew', 'Dis'] },
        { name: 'a query that only what is filtered away has to the letter', input: { query: 'columbia', format: 'cd' }, expected: [] },
        {
          name: 'the order OLDEST',
          input: { order: 'OLDEST' },
          expected: ['Milestones', 'Bitches Brew', 'Dis', 'Debut', 'Highway to Hell'],
        },
        {
          name: 'the order BY_ARTIST',
          input: { order: 'BY_ARTIST' },
          expected: ['Highway to Hell', 'Debut', 'Dis', 'Milestones', 'Bitches Brew'],
        },
        {
          name: 'the order BY_YEAR',
          input: { order: 'BY_YEAR' },
          expected: ['Debut', 'Dis', 'Bitches Brew', 'Milestones', 'Highway to Hell'],
        },
        {
          name: 'the order BY_PRICE',
          input: { order: 'BY_PRICE' },
          expected: ['Milestones', 'Bitches Brew', 'Debut', 'Highway to Hell', 'Dis'],
        },
        {
          name: 'the order OLDEST of what a query finds',
          input: { query: 'columbia', order: 'OLDEST' },
          expected: ['Milestones', 'Bitches Brew'],
        },
        {
          name: 'the order BY_PRICE of what a query finds',
          input: { query: 'miles', order: 'BY_PRICE' },
          expected: ['Milestones', 'Bitches Brew'],
        },
      ];
    for (const { name, input, expected } of cases)
      test(`${name} (${JSON.stringify(input)}) gives ${JSON.stringify(expected)}`, async () => {
        assert.deepEqual(await found(input), expected);
        assert.equal((await search(input, grace)).total, expected.length);
      });

    for (const order of ['NEWEST', 'OLDEST', 'BY_ARTIST', 'BY_YEAR', 'BY_PRICE'] as const)
      for (const query of ['', 'd'])
        test(`pages in the order ${order} of ${JSON.stringify(query)} are the list in parts`, async () => {
          const walked: string[] = [];
          let pageToken = '';
          do {
            const page = await search({ query, order, limit: 2, pageToken }, grace);
            walked.push(...page.records.map(({ id }) => id));
            pageToken = page.nextPageToken;
          } while (pageToken !== '');
          assert.deepEqual(
            walked,
            (await search({ query, order }, grace)).records.map(({ id }) => id),
          );
        });

    test('a page token is bound to filters and order', async () => {
      const { nextPageToken } = await search({ label: 'columbia', limit: 1 }, grace);
      for (const other of [{}, { label: 'Columbia' }, { label: 'columbia', order: 'OLDEST' }, { artist: 'columbia' }] as const)
        await assert.rejects(search({ ...other, pageToken: nextPageToken }, grace), { reason: 'MALFORMED_PAGE_TOKEN' });
      assert.equal((await search({ label: 'columbia', order: 'NEWEST', pageToken: nextPageToken }, grace)).records.length, 1);
    });

    test('a name that changes is found by its new words and not by its old ones', async () => {
      const { id } = await operations.add(grace, { artist: 'Old', name: 'Yesterday' });
      await operations.updateRecord(grace, { recordId: id, record: { artist: 'Zappa' }, updateMask: ['artist'] });
      assert.deepEqual(await found({ query: 'zapa' }), ['Yesterday']);
      assert.deepEqual(await found({ query: 'old' }), []);
      await operations.deleteRecord(grace, { recordId: id });
      assert.deepEqual(await found({ query: 'zapa' }), []);
    });
  });

  test('the total is exact up to 10,000 and a lower bound above', async () => {
    const heidi = await records.newCollector();
    await records.database.sql`insert into records.records (id, user_id, artist, name)
      select gen_random_uuid(), ${heidi.userId}, 'Various', 'Volume ' || n from generate_series(1, 10000) n`;
    for (const query of ['', 'various']) {
      const { total, totalIsLowerBound } = await search({ query, limit: 1 }, heidi);
      assert.deepEqual([total, totalIsLowerBound], [10_000, undefined]);
    }
    await operations.add(heidi, { artist: 'Various', name: 'One more' });
    for (const query of ['', 'various']) {
      const { total, totalIsLowerBound } = await search({ query, limit: 1 }, heidi);
      assert.deepEqual([total, totalIsLowerBound], [10_000, true]);
    }
  });

  test('a session that has ended finds nothing', async () => {
    const frank = await records.newCollector();
    await frank.logout();
    await assert.rejects(search({}, frank), { reason: 'SESSION_ENDED' });
  });
});
