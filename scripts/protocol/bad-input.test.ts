import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { authRefusals } from '../../functions/auth/refusals.ts';
import { recordsRefusals } from '../../functions/records/refusals.ts';
import type { Codec, HttpRule, Rpc } from '../../functions/runtime/contract.ts';
import { commonRefusals, grpcCodes, type RefusalTable } from '../../functions/runtime/refusal.ts';
import { type Bundle, buildBundles, startBundle } from '../../functions/testing/bundle.ts';
import { Authenticate, Register } from '../../proto/generated/auth.rpc.ts';
import { CreateRecord, DeleteRecord, GetRecord, UpdateRecord } from '../../proto/generated/records.rpc.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { type BadRequest, badRequests } from './bad-requests.ts';
import { badTokens } from './bad-tokens.ts';
import { connectHttp2, type GrpcAnswer, type Http2Client, http1 } from './clients.ts';
import { type Account, type Platform, startPlatform } from './platform.ts';
import { goodRequest, httpRequestOf, isUnary, type Message } from './requests.ts';

const refusals: RefusalTable = { ...commonRefusals, ...authRefusals, ...recordsRefusals };

let platform: Platform;
let account: Account;
let recordId: string;
const started = new Map<Rpc, Promise<Door>>();

/** A function's bundle and how it is asked. */
interface Door {
  readonly bundle: Bundle;
  readonly http2: Http2Client;
  readonly codecs: { request: Codec<object> & { fromPartial(message: object): object }; response: Codec<object> };
}

before(async () => {
  await buildBundles();
  platform = await startPlatform();
  account = await platform.newAccount();
  recordId = await platform.newRecord(account);
});
after(async () => {
  for (const door of started.values()) {
    (await door).http2.close();
    await (await door).bundle.stop();
  }
  await platform?.drop();
});

function doorOf(rpc: Rpc): Promise<Door> {
  const known = started.get(rpc);
  if (known !== undefined) return known;
  const door = (async () => {
    const bundle = await startBundle(rpc.functionName, platform.environmentOf(rpc));
    return { bundle, http2: connectHttp2(bundle.port), codecs: (await rpc.codecs()) as never };
  })();
  started.set(rpc, door);
  return door;
}

/** How a request was refused. On HTTP `fields` are JSON pointers, on gRPC field paths. */
interface Refused {
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly fields: readonly (readonly [field: string, reason: string])[];
}

const bytesOf = (text: string | Uint8Array, { instead }: BadRequest): Buffer => {
  const bytes = Buffer.from(text);
  if (instead === undefined) return bytes;
  const at = bytes.indexOf(instead.text);
  assert.ok(at >= 0 && instead.bytes.length === instead.text.length);
  bytes.set(instead.bytes, at);
  return bytes;
};

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function askJson(rpc: Rpc, rule: HttpRule, message: Message, headers: Record<string, string>, bad: BadRequest = { name: '' }) {
  const { bundle } = await doorOf(rpc);
  const request = httpRequestOf(rpc, rule, message);
  const body = request.body === undefined ? undefined : bytesOf(request.body, bad);
  return http1(bundle.port, { ...request, body, headers: { ...request.headers, ...headers } });
}

async function askGrpc(rpc: Rpc, message: Message, headers: Record<string, string>, bad: BadRequest = { name: '' }): Promise<GrpcAnswer> {
  const { http2, codecs } = await doorOf(rpc);
  return http2.grpc(rpc.path, bytesOf(codecs.request.encode(codecs.request.fromPartial(message)).finish(), bad), headers);
}

async function refusedByJson(...asked: Parameters<typeof askJson>): Promise<Refused> {
  const { status, json } = await askJson(...asked);
  const errors: { pointer: string; reason: string }[] = json.errors ?? [];
  return { status, reason: json.code, fields: errors.map(({ pointer, reason }) => [pointer, reason]) };
}

async function refusedByGrpc(...asked: Parameters<typeof askGrpc>): Promise<Refused> {
  const { code, reason, violations } = await askGrpc(...asked);
  return { status: code, reason, fields: violations.map((one) => [one.field, one.reason]) };
}

/** The same way written for each dialect: "/media/0/discGrade" and "record.media[0].disc_grade". */
function writtenFor(rpc: Rpc, path: readonly (string | number)[]): { pointer: string; field: string } {
  const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const bodyField = rpc.http[0]?.body;
  const inBody = path[0] === bodyField ? path.slice(1) : path;
  return {
    pointer: inBody.map((part) => `/${camel(String(part))}`).join(''),
    field: path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join(''),
  };
}

/** Asserts that a request is refused, for the same reason and the same fields in each dialect that can say it. */
async function assertRefused(rpc: Rpc, bad: BadRequest, headers: Record<string, string>): Promise<void> {
  const reason = bad.reason ?? 'INVALID_FIELDS';
  const row = refusals[reason];
  assert.ok(row, `no refusal is called ${reason}`);
  const violations = (bad.violations ?? []).map(({ path, reason: fault }) => ({ ...writtenFor(rpc, path), fault }));
  assert.ok(bad.json ?? bad.grpc, 'nothing is asked');
  for (const rule of bad.json === undefined ? [] : rpc.http) {
    const expected: Refused = { status: row.http, reason, fields: violations.map(({ pointer, fault }) => [pointer, fault] as const) };
    assert.deepEqual(await refusedByJson(rpc, rule, bad.json as Message, headers, bad), expected, `${rule.method} ${rule.path}`);
  }
  if (bad.grpc !== undefined) {
    const expected = { status: grpcCodes[row.grpc], reason, fields: violations.map(({ field, fault }) => [field, fault]) };
    assert.deepEqual(await refusedByGrpc(rpc, bad.grpc, headers, bad), expected, 'gRPC');
  }
}

const existing = () => ({ ...account, recordId });
const headersFor = (rpc: Rpc): Record<string, string> => (rpc.access === 'CALLER' ? bearer(account.token) : {});

/** Everything that is stored, as text. */
async function stored(): Promise<string> {
  const { sql } = platform.database;
  const records = await sql`select * from records.records order by id`;
  const users = await sql`select * from auth.accounts order by id`;
  return JSON.stringify([records, users]);
}

describe('bad input', () => {
  test('gives the same reason and the same fields in both dialects, and loses nothing', async (t) => {
    const before = await stored();
    let count = 0;
    for (const rpc of rpcs.filter(isUnary)) {
      // A good request that would change something if the fault were overlooked.
      const good = goodRequest(rpc, existing());
      for (const bad of badRequests(rpc, good)) {
        count++;
        await t.test(`${rpc.name}: ${bad.name}`, () => assertRefused(rpc, bad, headersFor(rpc)));
      }
    }
    assert.ok(count > 300, `only ${count} cases were made`);
    assert.equal(await stored(), before);
  });

  test('is listed whole, not only the first fault', async () => {
    const media = [{ kind: 'VINYL' }, { sizeInch: 11, discGrade: 'bad', sides: [{ grade: 'worse' }] }];
    const record = { artist: '', name: 'x'.repeat(257), rating: 9, aliases: ['fine', ''] };
    const limits = { name: 'limits', record };
    const ofLimits: [string, string][] = [
      ['artist', 'TOO_SHORT'],
      ['name', 'TOO_LONG'],
      ['aliases[1]', 'TOO_SHORT'],
      ['rating', 'OUT_OF_RANGE'],
    ];
    const domain = {
      name: 'domain',
      record: { artist: 'Can', name: 'Ege Bamyasi', media, purchasedAt: 'yesterday', currency: 'EURO'.slice(0, 3) },
    };
    const ofDomain: [string, string][] = [
      ['purchased_at', 'NOT_A_DATE'],
      ['media[1].size_inch', 'NOT_A_SIZE'],
      ['media[1].disc_grade', 'NOT_A_GRADE'],
      ['media[1].sides[0].grade', 'NOT_A_GRADE'],
    ];
    for (const [{ record: given }, faults] of [
      [limits, ofLimits],
      [domain, ofDomain],
    ] as const) {
      const json = await refusedByJson(CreateRecord, CreateRecord.http[0] as HttpRule, { record: given }, headersFor(CreateRecord));
      const grpc = await refusedByGrpc(CreateRecord, { record: given }, headersFor(CreateRecord));
      const sorted = (fields: Refused['fields']) => fields.map(String).sort();
      assert.deepEqual(sorted(grpc.fields), sorted(faults.map(([field, reason]) => [`record.${field}`, reason])));
      const pointer = (field: string) =>
        `/${field.replace(/\[(\d+)\]/g, '.$1').replaceAll('.', '/')}`.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
      assert.deepEqual(sorted(json.fields), sorted(faults.map(([field, reason]) => [pointer(field), reason])));
    }
  });

  test('a password that is too short is said to be, by both', async () => {
    const message = { email: 'somebody@example.com', password: 'a😀b4567' };
    await assertRefused(
      Register,
      { name: '', json: message, grpc: message, violations: [{ path: ['password'], reason: 'TOO_SHORT' }] },
      {},
    );
  });

  test('an e-mail that is taken, and credentials that are wrong', async () => {
    const taken = { email: account.email.toUpperCase(), password: account.password };
    await assertRefused(Register, { name: '', json: taken, grpc: taken, reason: 'EMAIL_TAKEN' }, {});
    for (const wrong of [
      { email: account.email, password: `${account.password}!` },
      { email: 'nobody@example.com', password: account.password },
    ])
      await assertRefused(Authenticate, { name: '', json: wrong, grpc: wrong, reason: 'INVALID_CREDENTIALS' }, {});
  });

  test('another account’s record and one that is not there are both not found', async () => {
    const stranger = await platform.newAccount();
    const record = { artist: 'Thief', name: 'Gone' };
    for (const rpc of [GetRecord, UpdateRecord, DeleteRecord] as Rpc[])
      for (const [id, who] of [
        [recordId, stranger],
        [randomUUID(), account],
      ] as const) {
        const message = { recordId: id, ...(rpc === UpdateRecord && { record }) };
        await assertRefused(rpc, { name: '', json: message, grpc: message, reason: 'NOT_FOUND' }, bearer(who.token));
      }
    const kept = await askGrpc(GetRecord, { recordId }, bearer(account.token));
    assert.equal(kept.code, 0);
  });

  test('unknown fields on the gRPC wire are skipped, as the format demands', async () => {
    const { http2, codecs } = await doorOf(GetRecord);
    const known = codecs.request.encode(codecs.request.fromPartial({ recordId })).finish();
    // Field 999: a varint, then bytes that are no UTF-8.
    const unknown = Buffer.from([0xb8, 0x3e, 0x2a, 0xba, 0x3e, 0x02, 0xc3, 0x28]);
    for (const message of [Buffer.concat([known, unknown]), Buffer.concat([unknown, known])]) {
      const answer = await http2.grpc(GetRecord.path, message, bearer(account.token));
      assert.deepEqual([answer.code, answer.reason], [0, undefined]);
    }
  });

  test('a path or a query that is not UTF-8 is refused', async () => {
    for (const rpc of rpcs.filter(({ http }) => http[0]?.method === 'GET')) {
      const { bundle } = await doorOf(rpc);
      const path = httpRequestOf(rpc, rpc.http[0] as HttpRule, goodRequest(rpc, existing())).path;
      for (const bad of ['?limit=%ff', '?%c3%28=1', '?q=%e0%a0']) {
        const answer = await http1(bundle.port, { path: path + bad, headers: headersFor(rpc) });
        assert.deepEqual([answer.status, answer.json.code], [400, 'MALFORMED_BODY'], path + bad);
      }
    }
  });

  test('who is not known by a good token is nobody, whatever is wrong with it', async (t) => {
    const tokens = await badTokens(platform, account);
    for (const rpc of rpcs.filter(({ access }) => access === 'CALLER')) {
      const good = goodRequest(rpc, existing());
      for (const [name, authorization] of tokens) {
        const reason = name.startsWith('of a session') ? 'SESSION_ENDED' : 'UNAUTHENTICATED';
        await t.test(`${rpc.name}: a token ${name}`, () =>
          assertRefused(rpc, { name, json: good, grpc: good, reason }, authorization === undefined ? {} : { authorization }),
        );
      }
    }
    const challenge = await askJson(GetRecord, GetRecord.http[0] as HttpRule, { recordId }, {});
    assert.equal(challenge.headers['www-authenticate'], 'Bearer');
  });
});
