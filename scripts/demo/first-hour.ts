import { randomBytes, randomUUID } from 'node:crypto';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type Record, Record as RecordMessage, SearchRecordsRequest, type SearchRecordsResponse } from '../../proto/generated/records.ts';
import { type NewRecord, readCollection, sampleFile, toRecord } from './collection.ts';
import { DemoFailed, type Edge } from './edge.ts';
import { type GrpcClients, unary } from './grpc.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from './http.ts';
import { progress } from './progress.ts';
import { expect, type Report } from './report.ts';

export interface Clients {
  readonly http2: HttpClient;
  readonly http3: HttpClient;
  readonly grpc: GrpcClients;
}

/** How many creations are under way at once, in each protocol. */
const atOnce = 8;

const titleOf = (record: Partial<Record>): string => `${record.artist} – ${record.name}`;

/** Says how an HTTP step went, for the report. @throws DemoFailed where the status is another */
async function answered(client: HttpClient, request: HttpRequest, expected: number) {
  const answer = await client.send(request);
  expect(`${request.method} ${request.path} to answer ${expected}`, answer.status === expected, {
    status: answer.status,
    body: answer.body,
  });
  return { protocol: answer.protocol, call: `${request.method} ${request.path} → ${answer.status}`, result: answer };
}

/** A collector's first hour. Every step goes through the public API, and every answer is looked at. */
export async function firstHour(edge: Edge, { http2, http3, grpc }: Clients, report: Report): Promise<void> {
  const { auth, records } = grpc;
  const email = `demo-${randomUUID()}@example.com`;
  const password = randomBytes(12).toString('base64url');

  await report.step('Opened an account', async () => {
    const step = await answered(http3, { method: 'POST', path: '/api/auth/register', body: { email, password } }, 201);
    return { ...step, details: [email] };
  });
  const session = await report.step('Logged in', async () => {
    const result = await unary(edge, auth, auth.authenticate, { email, password });
    return { protocol: 'gRPC', call: 'auth.AuthService/Authenticate → OK', result };
  });
  const { token } = session;

  const collection = readCollection(sampleFile).map(toRecord);
  const attempts = collection.map((record) => ({ record, key: randomUUID() }));
  const half = Math.ceil(attempts.length / 2);
  const bar = progress('Loading the collection', attempts.length);
  const loaded: Record[] = [];
  const keep = (record: Record | undefined): void => {
    if (record === undefined) throw new DemoFailed('CreateRecord answered without a record');
    loaded.push(record);
    bar.at(loaded.length);
  };
  await report.step(`Loaded ${half} records of the sample`, async () => {
    const create = async ({ record, key }: (typeof attempts)[number]) => {
      const answer = await patiently(http2, createRequest(record, key, token));
      expect(`${titleOf(record)} to be created`, answer.status === 201, answer.body);
      keep(answer.body);
      return answer.protocol;
    };
    const [protocol = ''] = await together(attempts.slice(0, half), create);
    return { protocol, call: `POST /api/records → 201, ${atOnce} at once`, result: undefined };
  });
  await report.step(`Loaded the other ${attempts.length - half}`, async () => {
    await together(attempts.slice(half), async ({ record, key }) => {
      const request = { userId: '', record: RecordMessage.fromPartial(record), requestId: key };
      const answer = await unary(edge, records, records.createRecord, request, token);
      keep(answer.record);
    });
    return { protocol: 'gRPC', call: `records.RecordsService/CreateRecord → OK, ${atOnce} at once`, result: undefined };
  });
  bar.end();

  await report.step('Sent the first one again, same Idempotency-Key', async () => {
    const [first] = attempts;
    if (first === undefined) throw new DemoFailed('The sample is empty');
    const step = await answered(http3, createRequest(first.record, first.key, token), 201);
    const before = loaded.find((record) => titleOf(record) === titleOf(first.record));
    expect('the record that is there already', step.result.body.id === before?.id, step.result.body.id);
    return { ...step, details: [`still record ${step.result.body.id}: nothing was added`] };
  });

  const search = (query: string) => `/api/records?q=${encodeURIComponent(query)}&limit=3`;
  const found = (page: SearchRecordsResponse) => [`${page.total} found: ${page.records.map(titleOf).join(' · ')}`];
  await report.step('Listed the newest', async () => {
    const step = await answered(http2, { method: 'GET', path: '/api/records?limit=3', token }, 200);
    expect(`a total of ${attempts.length}`, step.result.body.total === attempts.length, step.result.body.total);
    return { ...step, details: found(step.result.body) };
  });
  await report.step('Searched “sigur ros”, without its accent', async () => {
    const step = await answered(http3, { method: 'GET', path: search('sigur ros'), token }, 200);
    expect('Sigur Rós first', step.result.body.records[0]?.artist === 'Sigur Rós', step.result.body);
    return { ...step, details: found(step.result.body) };
  });
  await report.step('Searched “kraftwrek”, with a typo', async () => {
    const request = SearchRecordsRequest.fromPartial({ query: 'kraftwrek', limit: 3 });
    const result = await unary(edge, records, records.searchRecords, request, token);
    expect('Kraftwerk first', result.records[0]?.artist === 'Kraftwerk', result.records.map(titleOf));
    return { protocol: 'gRPC', call: 'records.RecordsService/SearchRecords → OK', details: found(result), result };
  });
  const chosen = await report.step('Searched “風街ろまん”', async () => {
    const step = await answered(http2, { method: 'GET', path: search('風街ろまん'), token }, 200);
    const record: Record | undefined = step.result.body.records[0];
    expect('はっぴいえんど first', record?.artist === 'はっぴいえんど', step.result.body);
    return { ...step, details: found(step.result.body), result: record as Record };
  });

  const path = `/api/records/${chosen.id}`;
  const before = await report.step('Read that record', async () => {
    const result = await unary(edge, records, records.getRecord, { recordId: chosen.id, userId: '' }, token);
    if (result.record === undefined) throw new DemoFailed('GetRecord answered without a record');
    const { label, catalogNumber, releaseYear, recordGrade, sleeveGrade } = result.record;
    const details = [`${label} ${catalogNumber}, ${releaseYear}, record ${recordGrade}, sleeve ${sleeveGrade}`];
    return { protocol: 'gRPC', call: 'records.RecordsService/GetRecord → OK', details, result: result.record };
  });
  await report.step('Corrected one field of it', async () => {
    const body = { notes: '帯あり。歌詞カードあり。' };
    const step = await answered(http2, { method: 'PATCH', path, body, token, headers: { 'if-match': quoted(before.etag) } }, 200);
    const changed = changedFields(before, step.result.body);
    expect('only notes to change', changed.join() === 'notes', changed);
    return { ...step, details: ['changed: notes; all other fields are as they were'] };
  });
  await report.step('Tried it with the old etag: refused', async () => {
    const headers = { 'if-match': quoted(before.etag) };
    const step = await answered(http3, { method: 'PATCH', path, body: { notes: '' }, token, headers }, 412);
    return { ...step, details: [`${step.result.body.code}: ${step.result.body.title}`] };
  });
  await report.step('Deleted it', async () => {
    const result = await unary(edge, records, records.deleteRecord, { recordId: chosen.id, userId: '', etag: '', requestId: '' }, token);
    expect('success', result.success, result);
    return { protocol: 'gRPC', call: 'records.RecordsService/DeleteRecord → OK', result };
  });
  await report.step('Looked for it: gone', async () => answered(http3, { method: 'GET', path, token }, 404));
  await report.step('Logged out', async () =>
    answered(http2, { method: 'POST', path: '/api/auth/logout', body: { refreshToken: session.refreshToken } }, 204),
  );
  await report.step('Tried the token again: refused', async () => {
    const refused = await unary(edge, records, records.getRecord, { recordId: chosen.id, userId: '' }, token).then(
      () => undefined,
      (error: ServiceError) => error,
    );
    expect('UNAUTHENTICATED', refused?.code === status.UNAUTHENTICATED, refused?.details ?? 'OK');
    return { protocol: 'gRPC', call: 'records.RecordsService/GetRecord → UNAUTHENTICATED', result: undefined };
  });
}

const createRequest = (record: NewRecord, key: string, token: string): HttpRequest => ({
  method: 'POST',
  path: '/api/records',
  body: record,
  token,
  headers: { 'idempotency-key': key },
});

/** Sends again what was refused for now (429, 503), after the time that the answer names: the idempotency key makes that safe. */
async function patiently(client: HttpClient, request: HttpRequest, triesMax = 4): Promise<HttpAnswer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await client.send(request);
    const retryAfter = Number(answer.headers['retry-after'] ?? 0);
    if ((answer.status !== 503 && answer.status !== 429) || tries === triesMax || retryAfter === 0) return answer;
    await new Promise((resolve) => setTimeout(resolve, retryAfter * 1000));
  }
}

/** Works through a list, a few at once, in order of start. */
async function together<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const rest = items.entries();
  const one = async () => {
    for (const [index, item] of rest) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return results;
}

/** An entity tag as HTTP writes it (RFC 9110, 8.8.3). */
const quoted = (etag: string): string => (etag.startsWith('"') ? etag : `"${etag}"`);

/** Names of the fields that differ, besides those that every change changes. A message is the same plain object in gRPC and in JSON. */
function changedFields(before: Record, after: Record): string[] {
  const always = new Set(['etag', 'updatedAt']);
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Record>;
  return [...names].filter((name) => !always.has(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}
