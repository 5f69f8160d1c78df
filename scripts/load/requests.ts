import { randomUUID } from 'node:crypto';
import { status as grpcStatuses } from '@grpc/grpc-js';
import type { Codec, Rpc } from '../../functions/runtime/contract.ts';
import { framed } from '../../functions/runtime/grpc-message.ts';
import { Authenticate, GetMe } from '../../proto/generated/auth.rpc.ts';
import type { AuthenticateResponse, GetMeResponse } from '../../proto/generated/auth.ts';
import { CreateRecord, GetRecord, SearchRecords, UpdateRecord } from '../../proto/generated/records.rpc.ts';
import {
  type CreateRecordResponse,
  type GetRecordResponse,
  Record,
  type SearchRecordsResponse,
  type UpdateRecordResponse,
} from '../../proto/generated/records.ts';
import type { Account, KnownRecord } from './accounts.ts';
import type { Answer, Target } from './sender.ts';

/** What a user does. */
export const kinds = ['get', 'list', 'search', 'create', 'update', 'me', 'login'] as const;
export type Kind = (typeof kinds)[number];
export type Dialect = 'rest' | 'grpc';

/** A request that is ready to be sent, and how its answer is judged. */
export interface Prepared {
  readonly kind: Kind;
  readonly dialect: Dialect;
  /** Who answers it: "records-get-record". */
  readonly functionName: string;
  readonly target: Target;
  /** @returns undefined for the right answer, else what was wrong with it, in a few words */
  readonly judge: (answer: Answer) => string | undefined;
}

/** One kind of request in both dialects: the same asked, the same expected. */
interface Act {
  // biome-ignore lint/suspicious/noExplicitAny: rpcs of every type
  readonly rpc: Rpc<any, any>;
  readonly rest: Omit<Target, 'headers' | 'body'> & { readonly headers?: Readonly<{ [name: string]: string }>; readonly json?: unknown };
  readonly message: unknown;
  /** What is wrong with an answer, both dialects' in the same form. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every type
  readonly wrong: (answer: any) => string | undefined;
}

const pageSize = 10;
const one = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

/** What each kind asks, with keys chosen at random, and what it expects. Every answer names what was asked for. */
const acts: { readonly [kind in Kind]: (account: Account, record: KnownRecord) => Act } = {
  get: (account, { id, name }) => ({
    rpc: GetRecord,
    rest: { method: 'GET', path: `/api/records/${id}` },
    message: { recordId: id, userId: '' },
    wrong: ({ record }: GetRecordResponse) =>
      record?.id === id && record.name === name && record.userId === account.userId ? undefined : 'another record',
  }),
  list: (account) => ({
    rpc: SearchRecords,
    rest: { method: 'GET', path: `/api/records?limit=${pageSize}` },
    message: { userId: '', query: '', limit: pageSize, offset: 0, pageToken: '' },
    wrong: ({ records, total }: SearchRecordsResponse) => {
      if (records.length !== Math.min(pageSize, account.records.length)) return `${records.length} records on the page`;
      if (total < account.records.length) return `a total of ${total}`;
      return records.every(({ userId }) => userId === account.userId) ? undefined : 'a record of another user';
    },
  }),
  search: (_account, { id, word }) => ({
    rpc: SearchRecords,
    rest: { method: 'GET', path: `/api/records?q=${word}&limit=5` },
    message: { userId: '', query: word, limit: 5, offset: 0, pageToken: '' },
    wrong: ({ records }: SearchRecordsResponse) =>
      records.some((record) => record.id === id) ? undefined : 'what was searched for is not there',
  }),
  create: () => {
    const record = { artist: 'Load', name: `Load ${randomUUID()}` };
    const key = randomUUID();
    return {
      rpc: CreateRecord,
      rest: { method: 'POST', path: '/api/records', json: record, headers: { 'idempotency-key': key } },
      message: { userId: '', record: Record.fromPartial(record), requestId: key },
      wrong: ({ record: made }: CreateRecordResponse) => (made?.name === record.name && made.id !== '' ? undefined : 'another record'),
    };
  },
  update: (_account, { id }) => {
    const notes = `Corrected ${randomUUID()}`;
    return {
      rpc: UpdateRecord,
      rest: { method: 'PATCH', path: `/api/records/${id}`, json: { notes } },
      message: { recordId: id, userId: '', record: Record.fromPartial({ notes }), updateMask: ['notes'], etag: '' },
      wrong: ({ record }: UpdateRecordResponse) => (record?.id === id && record.notes === notes ? undefined : 'another record'),
    };
  },
  me: ({ userId }) => ({
    rpc: GetMe,
    rest: { method: 'GET', path: '/api/auth/me' },
    message: {},
    wrong: ({ user }: GetMeResponse) => (user?.id === userId ? undefined : 'another user'),
  }),
  login: ({ email, password, userId }) => ({
    rpc: Authenticate,
    rest: { method: 'POST', path: '/api/auth/login', json: { email, password } },
    message: { email, password },
    wrong: ({ user, token }: AuthenticateResponse) => (user?.id === userId && token !== '' ? undefined : 'another user'),
  }),
};

/** Which functions a kind of request wakes. */
export const functionOf: { readonly [kind in Kind]: string } = {
  get: GetRecord.functionName,
  list: SearchRecords.functionName,
  search: SearchRecords.functionName,
  create: CreateRecord.functionName,
  update: UpdateRecord.functionName,
  me: GetMe.functionName,
  login: Authenticate.functionName,
};

/** How often each kind is chosen; any unit. */
export type Mix = { readonly [kind in Kind]?: number };

/** What collectors do: mostly they look at one record. */
export const collectors: Mix = { get: 60, list: 25, search: 10, create: 4, update: 1 };

/**
 * Makes requests of random users, for random records of theirs, in the proportions of a mix.
 * @param grpcShare how many of them speak gRPC, 0 to 1; the others REST, both over HTTP/2
 */
export async function requestMaker(accounts: readonly Account[], mix: Mix, grpcShare: number): Promise<() => Prepared> {
  const entries = Object.entries(mix).filter(([, weight]) => weight > 0) as [Kind, number][];
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  const choose = (): Kind => {
    let rest = Math.random() * total;
    for (const [kind, weight] of entries) {
      rest -= weight;
      if (rest < 0) return kind;
    }
    return (entries[0] as [Kind, number])[0];
  };
  const codecs = new Map<unknown, { request: Codec<unknown>; response: Codec<unknown> }>();
  for (const rpc of [Authenticate, CreateRecord, GetMe, GetRecord, SearchRecords, UpdateRecord]) codecs.set(rpc, await rpc.codecs());
  return () => {
    const kind = choose();
    const account = one(accounts);
    const act = acts[kind](account, one(account.records));
    const authorization: { [name: string]: string } = act.rpc.access === 'CALLER' ? { authorization: `Bearer ${account.token}` } : {};
    const common = { kind, functionName: act.rpc.functionName };
    if (Math.random() >= grpcShare)
      return { ...common, dialect: 'rest', target: restTarget(act, authorization), judge: (answer) => judgeRest(act, answer) };
    const codec = codecs.get(act.rpc) as { request: Codec<unknown> & { fromPartial(part: unknown): unknown }; response: Codec<unknown> };
    const target: Target = {
      method: 'POST',
      path: act.rpc.path,
      headers: { 'content-type': 'application/grpc', te: 'trailers', ...authorization },
      // An act names the fields that matter; a message has all of them.
      body: framed(codec.request.encode(codec.request.fromPartial(act.message)).finish()),
    };
    return { ...common, dialect: 'grpc', target, judge: (answer) => judgeGrpc(act, codec.response, answer) };
  };
}

function restTarget({ rest }: Act, authorization: Readonly<{ [name: string]: string }>): Target {
  const { json, headers, ...target } = rest;
  return {
    ...target,
    headers: { ...authorization, ...headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(json === undefined ? {} : { body: Buffer.from(JSON.stringify(json)) }),
  };
}

/** No status but the one that the contract names is a success: not 404, 409 or 429 either. */
function judgeRest({ rpc, wrong }: Act, { status, error, body }: Answer): string | undefined {
  if (status === 0 || error !== '') return inShort(error);
  const text = body.toString();
  if (status !== rpc.successStatus) return `${status} ${/"code":"(\w+)"/.exec(text)?.[1] ?? inShort(text)}`;
  try {
    const answer = JSON.parse(text);
    const responseBody = rpc.http[0]?.responseBody;
    return wrong(responseBody === undefined ? answer : { [responseBody]: answer });
  } catch (cause) {
    return `an answer that is not JSON: ${(cause as Error).message}`;
  }
}

function judgeGrpc({ wrong }: Act, codec: Codec<unknown>, { status, error, grpcStatus, grpcMessage, body }: Answer): string | undefined {
  if (status === 0 || error !== '') return inShort(error);
  if (status !== 200) return `${status} on gRPC`;
  if (grpcStatus === '') return 'no grpc-status';
  if (grpcStatus !== '0') return `${grpcStatuses[Number(grpcStatus)] ?? grpcStatus} ${inShort(grpcMessage.replaceAll('%20', ' '))}`;
  if (body.length < 5 || body.readUInt32BE(1) !== body.length - 5) return 'not one whole message';
  try {
    return wrong(codec.decode(body.subarray(5)));
  } catch (cause) {
    return `a message that can't be decoded: ${(cause as Error).message}`;
  }
}

/** Go's words without what differs from one request to the next: addresses and ids. */
const inShort = (text: string): string =>
  text
    .replace(/^\w+ "[^"]*": /, '')
    .replaceAll(/\d+\.\d+\.\d+\.\d+:\d+/g, '…')
    .replace(/\(Client\.Timeout.*/, '(time is over)')
    .trim()
    .slice(0, 120) || 'no answer';
