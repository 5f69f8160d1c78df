import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Codec, HttpRule, Rpc } from '../../functions/runtime/contract.ts';
import { type Bundle, buildBundles, startBundle } from '../../functions/testing/bundle.ts';
import { GetRecord } from '../../proto/generated/records.rpc.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { connectHttp2, http1 } from './clients.ts';
import { lockTables } from './locks.ts';
import { type Platform, startPlatform } from './platform.ts';
import { type PythonClient, startPythonClient } from './python-client.ts';
import { goodRequest, httpRequestOf, isUnary, type Message } from './requests.ts';

let platform: Platform;
let python: PythonClient;

before(async () => {
  await buildBundles();
  [platform, python] = await Promise.all([startPlatform(), startPythonClient()]);
});
after(async () => {
  python?.stop();
  await platform?.drop();
});

const connects = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

type PartialCodec = Codec<object> & { fromPartial(message: object): object };

/** A bundle with a request in flight in each protocol, each on a connection of its own that stays open. */
async function startBusy(rpc: Rpc) {
  const bundle = await startBundle(rpc.functionName, platform.environmentOf(rpc));
  const target = `127.0.0.1:${bundle.port}`;
  const account = await platform.newAccount();
  const authorization: Record<string, string> = rpc.access === 'CALLER' ? { authorization: `Bearer ${account.token}` } : {};
  const good = async (): Promise<Message> => {
    const recordId = rpc.request.fields.some(({ name }) => name === 'record_id') ? await platform.newRecord(account) : '';
    return goodRequest(rpc, { ...(rpc.functionName === 'auth-refresh-token' ? await platform.newAccount() : account), recordId });
  };
  const messages = [await good(), await good(), await good(), await good()] as const;
  const { request: codec } = (await rpc.codecs()) as unknown as { request: PartialCodec };
  const http2 = connectHttp2(bundle.port);
  const agent = new http.Agent({ keepAlive: true });
  // Both connections are open before the time stops; grpcio opens its own, and asks reflection over it.
  assert.equal((await http2.ask({ path: '/livez' })).status, 200);
  assert.equal((await python.health(target)).status, 'SERVING');
  await python.services(target, 'v1');
  return {
    bundle,
    target,
    http2,
    /** Asks in each protocol; the answers come when the tables are free again. */
    ask() {
      const request = (message: Message) => {
        const asked = httpRequestOf(rpc, rpc.http[0] as HttpRule, message);
        return { ...asked, headers: { ...asked.headers, ...authorization } };
      };
      const bytes = codec.encode(codec.fromPartial(messages[2])).finish();
      return {
        json1: http1(bundle.port, request(messages[0]), agent),
        json2: http2.ask(request(messages[1])),
        grpc: http2.grpc(rpc.path, bytes, authorization),
        grpcio: python.call(target, rpc.path.slice(1), { message: messages[3], metadata: authorization }),
      };
    },
    close() {
      http2.close();
      agent.destroy();
    },
  };
}

/** How many bundles stop at once: each waits with four statements, and the tests share PgBouncer's connections. */
const groupSize = 5;
const unary = rpcs.filter(isUnary);
const groups = Array.from({ length: Math.ceil(unary.length / groupSize) }, (_, at) => unary.slice(at * groupSize, (at + 1) * groupSize));

for (const group of groups) {
  test(`SIGTERM: what is in flight is answered, nothing new is taken, exit 0: ${group.map(({ functionName }) => functionName).join(', ')}`, async (t) => {
    const busy = await Promise.all(group.map(startBusy));
    const locked = await lockTables(platform.database);
    const asked = busy.map((one) => one.ask());
    const goaways = busy.map(({ http2 }) => new Promise<number>((resolve) => http2.session.once('goaway', resolve)));
    try {
      // What asks no table has its answer already; the others wait until the tables are free.
      await sleep(800);
      for (const { bundle } of busy) bundle.signal('SIGTERM');
      await sleep(300);
      for (const [at, { bundle }] of busy.entries()) {
        assert.equal(await connects(bundle.port), false, `${bundle.name} takes no new connection`);
        assert.equal(await goaways[at], 0, 'GOAWAY with NO_ERROR');
      }
    } finally {
      await locked.release();
    }
    for (const [at, rpc] of group.entries()) {
      await t.test(rpc.functionName, async () => {
        const { bundle } = busy[at] as (typeof busy)[number];
        const { json1, json2, grpc, grpcio } = asked[at] as (typeof asked)[number];
        const over1 = await json1;
        assert.deepEqual([over1.status, (await json2).status], [rpc.successStatus, rpc.successStatus], over1.text);
        assert.deepEqual([(await grpc).code, (await grpcio).code], [0, 'OK']);
        assert.equal(await bundle.ended, 0);
        assert.equal(bundle.stderr(), '');
        const draining = bundle.lines.find(({ message }) => message === 'draining');
        assert.ok((draining?.in_flight as number) >= (rpc.name === 'HealthCheck' ? 0 : 4), `${draining?.in_flight} in flight`);
        assert.equal(bundle.lines.at(-1)?.message, 'stopped');
      });
    }
    for (const one of busy) {
      await python.close(one.target);
      one.close();
    }
  });
}

const frame = (type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]);
/** GET of a path, authority "x", in HPACK without Huffman, with END_STREAM and END_HEADERS. */
const getFrame = (stream: number, path: string): Buffer =>
  frame(1, 5, stream, Buffer.concat([Buffer.from([0x82, 0x86, 0x04, path.length]), Buffer.from(path), Buffer.from([0x01, 1, 0x78])]));

/** Asks /readyz, sends SIGTERM, and asks again when the first GOAWAY comes, which is what crosses it. */
async function probeAcrossGoaway(): Promise<{ answers: string[]; goaways: number }> {
  const bundle: Bundle = await startBundle(GetRecord.functionName, platform.environmentOf(GetRecord));
  const socket = net.connect(bundle.port, '127.0.0.1');
  const answers: string[] = [];
  let goaways = 0;
  let body = '';
  let unread = Buffer.alloc(0);
  // Frames by hand: Node's own client sends nothing after a GOAWAY.
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0), getFrame(1, '/readyz')]));
  socket.on('data', (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
      const end = 9 + unread.readUIntBE(0, 3);
      const [type, flags] = [unread.readUInt8(3), unread.readUInt8(4)];
      if (type === 0) body += unread.subarray(9, end).toString();
      if (type === 0 && (flags & 1) === 1) {
        answers.push(body);
        body = '';
      }
      if (type === 7 && ++goaways === 1) socket.write(getFrame(3, '/readyz'));
      unread = unread.subarray(end);
    }
  });
  while (answers.length === 0) await sleep(10);
  bundle.signal('SIGTERM');
  assert.equal(await bundle.ended, 0);
  return { answers, goaways };
}

test('readiness fails from SIGTERM on, also for a probe that crosses the GOAWAY', async () => {
  let seen = await probeAcrossGoaway();
  // A busy machine may bring the second probe after the last word, when nothing new is taken any more.
  for (let again = 0; again < 3 && seen.answers.length < 2; again++) seen = await probeAcrossGoaway();
  assert.ok(seen.goaways >= 2);
  assert.equal(seen.answers[0], '{"status":"ok"}');
  const { status, code } = JSON.parse(seen.answers[1] ?? '{}');
  assert.deepEqual([status, code], [503, 'DRAINING']);
});

test('a request that outlives the grace time does not keep the process, and a second SIGTERM changes nothing', async () => {
  const environment = { ...platform.environmentOf(GetRecord), DRAIN_SECONDS: '1' };
  const [account, bundle] = await Promise.all([platform.newAccount(), startBundle(GetRecord.functionName, environment)]);
  const recordId = await platform.newRecord(account);
  const client = connectHttp2(bundle.port);
  const asked = { path: `/api/records/${recordId}`, headers: { authorization: `Bearer ${account.token}` } };
  assert.equal((await client.ask(asked)).status, 200);
  const locked = await lockTables(platform.database);
  try {
    const cut = client.ask(asked).then(
      ({ status }) => status,
      () => 'cut off',
    );
    await locked.until(1, 'the request is on its way');
    const startedAt = performance.now();
    bundle.signal('SIGTERM');
    await sleep(200);
    bundle.signal('SIGTERM');
    assert.equal(await bundle.ended, 0);
    const milliseconds = performance.now() - startedAt;
    assert.ok(milliseconds >= 900 && milliseconds < 3_000, `${milliseconds.toFixed(0)} ms`);
    assert.equal(await cut, 'cut off');
    assert.ok(bundle.lines.some(({ message }) => message === 'the grace time was not enough'));
    await locked.until(0, 'its statement has ended');
  } finally {
    await locked.release();
    client.close();
  }
});

test('SIGINT ends an idle bundle at once, with exit 0', async () => {
  const bundle = await startBundle(GetRecord.functionName, platform.environmentOf(GetRecord));
  const startedAt = performance.now();
  bundle.signal('SIGINT');
  assert.equal(await bundle.ended, 0);
  assert.ok(performance.now() - startedAt < 2_000);
});
