import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bundle, buildBundles, startBundle } from '../../functions/testing/bundle.ts';
import { HealthCheck as AuthHealth } from '../../proto/generated/auth.rpc.ts';
import { CreateRecord, GetRecord } from '../../proto/generated/records.rpc.ts';
import { GetRecordRequest, GetRecordResponse } from '../../proto/generated/records.ts';
import { connectHttp2, type Http2Client } from './clients.ts';
import { type Locked, lockTables } from './locks.ts';
import { type Account, type Platform, startPlatform } from './platform.ts';
import { type PythonClient, startPythonClient } from './python-client.ts';

let platform: Platform;
let python: PythonClient;
let account: Account;
let recordId: string;
let bundle: Bundle;
let health: Bundle;
let client: Http2Client;
let path: string;
let headers: Record<string, string>;

before(async () => {
  await buildBundles([GetRecord, CreateRecord, AuthHealth].map(({ functionName }) => functionName));
  [platform, python] = await Promise.all([startPlatform(), startPythonClient()]);
  account = await platform.newAccount();
  [recordId, bundle, health] = await Promise.all([
    platform.newRecord(account),
    startBundle(GetRecord.functionName, platform.environmentOf(GetRecord)),
    startBundle(AuthHealth.functionName, platform.environmentOf(AuthHealth)),
  ]);
  client = connectHttp2(bundle.port);
  path = `/api/records/${recordId}`;
  headers = { authorization: `Bearer ${account.token}` };
});
after(async () => {
  client?.close();
  python?.stop();
  await Promise.all([bundle?.stop(), health?.stop()]);
  await platform?.drop();
});

const many = 1_000;
const counted = (values: readonly unknown[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1;
  return counts;
};

test('a thousand JSON streams at once on one connection are each answered with their record', async () => {
  const answers = await Promise.all(Array.from({ length: many }, () => client.ask({ path, headers })));
  assert.deepEqual(counted(answers.map(({ status }) => status)), { 200: many });
  assert.ok(answers.every(({ json }) => json.id === recordId));
});

test('a thousand gRPC streams at once on the same connection are too, also mixed with JSON', async () => {
  const request = GetRecordRequest.encode({ recordId, userId: '' }).finish();
  const answers = await Promise.all(
    Array.from({ length: many }, async (_, index) => {
      if (index % 4 === 3) return (await client.ask({ path, headers })).json.id;
      const { code, message } = await client.grpc(GetRecord.path, request, headers);
      return code === 0 ? GetRecordResponse.decode(message).record?.id : code;
    }),
  );
  assert.deepEqual(counted(answers), { [recordId]: many });
});

test('a thousand health checks at once are honest', async () => {
  const asking = connectHttp2(health.port);
  const answers = await Promise.all(Array.from({ length: many }, () => asking.ask({ path: '/api/auth/healthz' })));
  assert.deepEqual(counted(answers.map(({ status, json }) => `${status} ${json.healthy}`)), { '200 true': many });
  asking.close();
});

test('a thousand connections at once are each answered', async () => {
  const statuses = await Promise.all(
    Array.from(
      { length: many },
      () =>
        new Promise((resolve) => {
          const request = http.get({ port: bundle.port, host: '127.0.0.1', path: '/livez', agent: false }, (response) => {
            response.resume();
            resolve(response.statusCode);
          });
          request.on('error', (error) => resolve(error.message));
        }),
    ),
  );
  assert.deepEqual(counted(statuses), { 200: many });
});

/** The line that the bundle logged last of a request that was not answered with success. */
async function lastReason(count: number): Promise<unknown> {
  for (let waited = 0; waited < 2_000 && bundle.lines.filter(({ reason }) => reason).length < count; waited += 20) await sleep(20);
  return bundle.lines.findLast(({ reason }) => reason)?.reason;
}

test('a request that its client gives up on ends its statement too, in each protocol', async (t) => {
  // The first call fetches the keys that verify tokens: that statement is none of those counted here.
  assert.equal((await client.ask({ path, headers })).status, 200);
  const locked: Locked = await lockTables(platform.database);
  try {
    let reasons = bundle.lines.filter(({ reason }) => reason).length;
    const ends = async (what: string, expected: string): Promise<void> => {
      await locked.until(0, `${what} has ended`);
      assert.equal(await lastReason(++reasons), expected);
    };
    await t.test('an HTTP/1.1 connection that closes', async () => {
      const request = http.get({ port: bundle.port, host: '127.0.0.1', path, headers, agent: false }).on('error', () => {});
      await locked.until(1, 'the request is on its way');
      request.destroy();
      await ends('HTTP/1.1', 'CANCELLED');
    });
    await t.test('an HTTP/2 stream that is reset', async () => {
      const stream = client.session.request({ ':path': path, ...headers }).on('error', () => {});
      await locked.until(1, 'the request is on its way');
      stream.close(8 /* CANCEL */);
      await ends('HTTP/2', 'CANCELLED');
    });
    await t.test('a gRPC stream that is reset', async () => {
      const grpc = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
      const stream = client.session.request({ ...grpc, ':path': GetRecord.path, ...headers }).on('error', () => {});
      const message = GetRecordRequest.encode({ recordId, userId: '' }).finish();
      stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
      await locked.until(1, 'the request is on its way');
      stream.close(8 /* CANCEL */);
      await ends('gRPC', 'CANCELLED');
    });
    await t.test('an HTTP/2 connection that breaks off under many streams', async () => {
      const other = connectHttp2(bundle.port);
      const asked = Array.from({ length: 50 }, () => other.ask({ path, headers }).catch(() => undefined));
      await locked.until(2, 'as many as the pool has connections');
      other.close();
      await Promise.all(asked);
      reasons += 49;
      await ends('the connection', 'CANCELLED');
    });
    await t.test('a gRPC deadline that passes', async () => {
      const asked = python.call(`127.0.0.1:${bundle.port}`, GetRecord.path.slice(1), {
        message: { recordId },
        metadata: headers,
        timeout: 0.7,
      });
      await locked.until(1, 'the request is on its way');
      assert.equal((await asked).code, 'DEADLINE_EXCEEDED');
      await ends('gRPC', 'DEADLINE_EXCEEDED');
    });
    await t.test('the function’s own deadline', async () => {
      const [json, grpc] = await Promise.all([
        client.ask({ path, headers }),
        client.grpc(GetRecord.path, GetRecordRequest.encode({ recordId, userId: '' }).finish(), headers),
      ]);
      assert.deepEqual([json.status, json.json.code], [504, 'DEADLINE_EXCEEDED']);
      assert.deepEqual([grpc.code, grpc.reason], [4, 'DEADLINE_EXCEEDED']);
      await locked.until(0, 'both have ended');
    });
  } finally {
    await locked.release();
  }
  assert.equal((await client.ask({ path, headers })).status, 200, 'the connection and the pool serve on');
  assert.equal(bundle.stderr(), '');
});
