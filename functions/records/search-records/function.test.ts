import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SearchRecordsRequest, SearchRecordsResponse } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import searchRecords from './function.ts';

describe('SearchRecords, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let started: Started<SearchRecordsRequest, SearchRecordsResponse>;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    started = await startFunction(searchRecords, records.environment);
    for (const name of ['Tago Mago', 'Ege Bamyasi', 'Future Days', '50% + 1 & more']) await operations.add(alice, { name });
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await records?.drop();
  });

  const get = (query: string, token = alice.token) => started.json('GET', `/api/records${query}`, { token });

  test('a list is the same in JSON and over gRPC', async () => {
    const { status, body } = await get('');
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body).sort(), ['nextPageToken', 'records', 'total']);
    assert.deepEqual(body, JSON.parse(JSON.stringify(await started.call({}, alice))));
    assert.deepEqual([body.total, body.records.length, body.nextPageToken], [4, 4, '']);
  });

  test('an empty list says so', async () => {
    assert.deepEqual((await get('?q=xyzzy')).body, { records: [], total: 0, nextPageToken: '' });
    assert.deepEqual(await started.call({ query: 'xyzzy' }, alice), {
      records: [],
      total: 0,
      nextPageToken: '',
      totalIsLowerBound: undefined,
    });
  });

  test('the query is q or query, and no character of it is lost', async () => {
    for (const name of ['q', 'query']) {
      const { body } = await get(`?${name}=${encodeURIComponent('50% + 1 & more')}`);
      assert.deepEqual(
        body.records.map((record: { name: string }) => record.name),
        ['50% + 1 & more'],
      );
    }
    assert.equal((await get('?q=tago+mgao')).body.records[0].name, 'Tago Mago');
  });

  test('pages follow one another in either dialect', async () => {
    const first = (await get('?limit=2')).body;
    const second = await started.call({ limit: 2, pageToken: first.nextPageToken }, alice);
    assert.deepEqual([second.records.length, second.total, second.nextPageToken], [2, 4, '']);
    const { body } = await get(`?limit=2&page_token=${first.nextPageToken}`);
    assert.deepEqual(body, JSON.parse(JSON.stringify(second)));
  });

  const refused: readonly {
    readonly name: string;
    readonly query: string;
    readonly request: Partial<SearchRecordsRequest>;
    readonly reason: string;
  }[] = [
    { name: 'a negative limit', query: '?limit=-1', request: { limit: -1 }, reason: 'INVALID_FIELDS' },
    { name: 'a negative offset', query: '?offset=-1', request: { offset: -1 }, reason: 'INVALID_FIELDS' },
    { name: 'a token that is none', query: '?pageToken=x', request: { pageToken: 'x' }, reason: 'MALFORMED_PAGE_TOKEN' },
    { name: 'an offset with a token', query: '?offset=1&pageToken=x', request: { offset: 1, pageToken: 'x' }, reason: 'INVALID_FIELDS' },
    { name: 'a grade that is none', query: '?gradeMin=VG%2B%2B', request: { gradeMin: 'VG++' }, reason: 'INVALID_FIELDS' },
    { name: 'a price that is none', query: '?price_min=-1', request: { priceMin: '-1' }, reason: 'INVALID_FIELDS' },
    { name: 'years backwards', query: '?yearMin=1980&yearMax=1970', request: { yearMin: 1980, yearMax: 1970 }, reason: 'INVALID_FIELDS' },
    { name: 'relevance of nothing', query: '?order=RELEVANCE', request: { order: 'RELEVANCE' }, reason: 'INVALID_FIELDS' },
    { name: 'a query that is too long', query: `?q=${'x'.repeat(257)}`, request: { query: 'x'.repeat(257) }, reason: 'INVALID_FIELDS' },
  ];
  for (const { name, query, request, reason } of refused)
    test(`${name} is ${reason} in both dialects`, async () => {
      const { status, body } = await get(query);
      assert.deepEqual([status, body.code], [400, reason]);
      await assert.rejects(started.call(request, alice), { code: 3, reason });
    });

  test('filters and orders are the same in both dialects', async () => {
    await operations.add(alice, { artist: 'Neu!', name: 'Neu! 75', label: 'Brain', price: '20.00', currency: 'EUR', releaseYear: 1975 });
    const { body } = await get('?label=brain&yearMin=1970&yearMax=1979&priceMin=10&priceMax=30&currency=EUR&order=BY_PRICE');
    assert.deepEqual(
      body.records.map((record: { name: string }) => record.name),
      ['Neu! 75'],
    );
    const request = {
      label: 'brain',
      yearMin: 1970,
      yearMax: 1979,
      priceMin: '10',
      priceMax: '30',
      currency: 'EUR',
      order: 'BY_PRICE',
    } as const;
    assert.deepEqual(body, JSON.parse(JSON.stringify(await started.call(request, alice))));
    assert.equal((await get('?order=SIDEWAYS')).status, 400);
  });

  test('another account finds nothing of it, and cannot be asked for', async () => {
    const bob = await records.newCollector();
    assert.deepEqual((await get('?q=tago', bob.token)).body, { records: [], total: 0, nextPageToken: '' });
    const { status, body } = await get(`?userId=${alice.userId}`, bob.token);
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
    const { nextPageToken } = (await get('?limit=1')).body;
    const stolen = await get(`?limit=1&pageToken=${nextPageToken}`, bob.token);
    assert.deepEqual([stolen.status, stolen.body.code], [400, 'MALFORMED_PAGE_TOKEN']);
  });

  test('it does not start without a key for its page tokens', async () => {
    const { PAGE_TOKEN_KEY: _, ...environment } = records.environment;
    await assert.rejects(startFunction(searchRecords, environment), /PAGE_TOKEN_KEY is missing/);
  });
});
