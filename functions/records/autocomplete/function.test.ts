import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AutocompleteRequest, AutocompleteResponse } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import autocomplete from './function.ts';

describe('Autocomplete, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let started: Started<AutocompleteRequest, AutocompleteResponse>;
  let alice: Collector;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    alice = await records.newCollector();
    started = await startFunction(autocomplete, records.environment);
    for (const artist of ['Can', 'Canned Heat', 'Neu!']) await operations.add(alice, { artist });
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await records?.drop();
  });

  test('names are the same in JSON and over gRPC', async () => {
    const { status, body } = await started.json('GET', '/api/records:autocomplete?field=ARTIST&prefix=ca', alice);
    assert.equal(status, 200);
    assert.deepEqual(body, { values: ['Can', 'Canned Heat'] });
    assert.deepEqual(await started.call({ field: 'ARTIST', prefix: 'ca' }, alice), body);
  });

  test('another account is told nothing of it', async () => {
    const bob = await records.newCollector();
    assert.deepEqual((await started.json('GET', '/api/records:autocomplete?field=ARTIST', bob)).body, { values: [] });
    const { status, body } = await started.json('GET', `/api/records:autocomplete?field=ARTIST&userId=${alice.userId}`, bob);
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
  });

  const refused: readonly { readonly name: string; readonly query: string; readonly request: Partial<AutocompleteRequest> }[] = [
    { name: 'no field', query: '?prefix=a', request: { prefix: 'a' } },
    { name: 'a negative limit', query: '?field=LABEL&limit=-1', request: { field: 'LABEL', limit: -1 } },
    {
      name: 'a prefix that is too long',
      query: `?field=LABEL&prefix=${'x'.repeat(257)}`,
      request: { field: 'LABEL', prefix: 'x'.repeat(257) },
    },
  ];
  for (const { name, query, request } of refused)
    test(`${name} is INVALID_FIELDS in both dialects`, async () => {
      const { status, body } = await started.json('GET', `/api/records:autocomplete${query}`, alice);
      assert.deepEqual([status, body.code], [400, 'INVALID_FIELDS']);
      await assert.rejects(started.call(request, alice), { code: 3, reason: 'INVALID_FIELDS' });
    });

  test('without a token, or with a session that has ended, nothing is told', async () => {
    assert.equal((await started.json('GET', '/api/records:autocomplete?field=ARTIST')).status, 401);
    const carol = await records.newCollector();
    await carol.logout();
    await assert.rejects(started.call({ field: 'ARTIST' }, carol), { code: 16, reason: 'SESSION_ENDED' });
  });
});
