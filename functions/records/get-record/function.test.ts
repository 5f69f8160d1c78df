import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { GetRecordRequest, GetRecordResponse, Record } from '../../../proto/generated/records.ts';
import { type Started, startFunction } from '../../testing/start.ts';
import { type Collector, everything, type RecordsOperations, type RecordsTest, recordsOperations, recordsTest } from '../testing.ts';
import getRecord from './function.ts';

describe('GetRecord, through the front door', () => {
  let records: RecordsTest;
  let operations: RecordsOperations;
  let started: Started<GetRecordRequest, GetRecordResponse>;
  let alice: Collector;
  let bob: Collector;
  let record: Record;
  before(async () => {
    records = await recordsTest();
    operations = await recordsOperations(records);
    [alice, bob] = await Promise.all([records.newCollector(), records.newCollector()]);
    record = await operations.add(alice, everything);
    started = await startFunction(getRecord, records.environment);
  });
  after(async () => {
    await started?.stop();
    await operations?.close();
    await records?.drop();
  });

  test('a record is the same in JSON and over gRPC, with its etag in the header', async () => {
    const { status, body, headers } = await started.json('GET', `/api/records/${record.id}`, alice);
    assert.equal(status, 200);
    assert.deepEqual(body, JSON.parse(JSON.stringify(record)));
    assert.deepEqual({ ...record, ...everything }, record);
    assert.equal(headers.get('etag'), `"${record.etag}"`);
    assert.deepEqual((await started.call({ recordId: record.id, userId: alice.userId }, alice)).record, record);
  });

  test('JSON leaves out what is absent and keeps lists that are empty', async () => {
    const { id } = await operations.add(alice, { artist: 'Neu!', name: 'Neu!', hasInsert: false });
    const { body } = await started.json('GET', `/api/records/${id}`, alice);
    assert.deepEqual(body, {
      id,
      userId: alice.userId,
      artist: 'Neu!',
      name: 'Neu!',
      hasInsert: false,
      createdAt: body.createdAt,
      updatedAt: body.createdAt,
      media: [],
      aliases: [],
      etag: '1',
    });
  });

  const refused = [
    { name: 'a record of another account', id: () => record.id, who: () => bob, status: 404, code: 5, reason: 'NOT_FOUND' },
    { name: 'a record that does not exist', id: () => randomUUIDv7(), who: () => alice, status: 404, code: 5, reason: 'NOT_FOUND' },
    { name: 'a malformed id', id: () => 'one', who: () => alice, status: 400, code: 3, reason: 'INVALID_FIELDS' },
    { name: 'a request without a token', id: () => record.id, who: () => ({}), status: 401, code: 16, reason: 'UNAUTHENTICATED' },
  ];
  for (const { name, id, who, status, code, reason } of refused)
    test(`${name} is ${reason} in both dialects`, async () => {
      const { status: seen, body } = await started.json('GET', `/api/records/${id()}`, who());
      assert.deepEqual([seen, body.code], [status, reason]);
      await assert.rejects(started.call({ recordId: id() }, who()), { code, reason });
    });

  test('naming another account is refused, also by the owner of the record', async () => {
    const { status, body } = await started.json('GET', `/api/records/${record.id}?userId=${bob.userId}`, alice);
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
    await assert.rejects(started.call({ recordId: record.id, userId: bob.userId }, alice), { code: 7, reason: 'PERMISSION_DENIED' });
  });

  test('a session that has ended reads nothing, though its token is still good', async () => {
    const carol = await records.newCollector();
    const { id } = await operations.add(carol, {});
    assert.equal((await started.json('GET', `/api/records/${id}`, carol)).status, 200);
    await carol.logout();
    const { status, body } = await started.json('GET', `/api/records/${id}`, carol);
    assert.deepEqual([status, body.code], [401, 'SESSION_ENDED']);
    await assert.rejects(started.call({ recordId: id }, carol), { code: 16, reason: 'SESSION_ENDED' });
  });

  test('where the database cannot be reached it is 503 with Retry-After', async () => {
    const cutOff = await startFunction(getRecord, { ...records.environment, DATABASE_URL: 'postgres://record_app:x@127.0.0.1:1/nowhere' });
    const { status, body, headers } = await cutOff.json('GET', `/api/records/${record.id}`, alice);
    assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'UPSTREAM_UNAVAILABLE', '1']);
    await cutOff.stop();
  });

  const known: readonly { name: string; input: (etag: string) => string; expected: number }[] = [
    { name: 'its etag', input: (etag) => etag, expected: 304 },
    { name: 'its etag as a weak one', input: (etag) => `W/${etag}`, expected: 304 },
    { name: 'its etag among others', input: (etag) => `"x", ${etag} , "y"`, expected: 304 },
    { name: 'any', input: () => '*', expected: 304 },
    { name: 'another', input: () => '"0"', expected: 200 },
    { name: 'its etag without quotation marks', input: (etag) => etag.replaceAll('"', ''), expected: 200 },
  ];
  for (const { name, input, expected } of known)
    test(`to a client that has ${name} the answer is ${expected}`, async () => {
      const path = `/api/records/${record.id}`;
      const etag = (await started.json('GET', path, alice)).headers.get('etag') as string;
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, body } = await started.json(method, path, { ...alice, headers: { 'if-none-match': input(etag) } });
        assert.deepEqual([status, headers.get('etag'), headers.get('cache-control')], [expected, etag, 'no-store']);
        if (expected === 304) assert.deepEqual([body, headers.get('content-type'), headers.get('content-length')], ['', null, null]);
      }
      const session = http2.connect(started.origin);
      const stream = session.request({ ':path': path, authorization: `Bearer ${alice.token}`, 'if-none-match': input(etag) });
      const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      assert.deepEqual([answer[':status'], answer.etag], [expected, etag]);
      stream.resume();
      await once(stream, 'end');
      session.close();
    });
});
