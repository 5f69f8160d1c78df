import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { rpcs } from '../proto/generated/rpcs.ts';
import { makeRoot } from '../scripts/deploy/edge-root.ts';
import { type Caddy, startCaddy } from '../scripts/stack/caddy.ts';
import { type StubFunctions, startStubFunctions } from './stub-functions.ts';

const inFlightMax = 4;
const waitMs = 1500;

describe('the edge as the cluster sets it', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-edge-'));
  let stub: StubFunctions;
  let edge: Caddy;
  let root: Awaited<ReturnType<typeof makeRoot>>;
  let session: http2.ClientHttp2Session;

  before(async () => {
    stub = await startStubFunctions(rpcs.map(({ functionName }) => functionName));
    root = await makeRoot();
    const given = join(folder, 'given');
    mkdirSync(given, { mode: 0o700 });
    for (const name of ['tls.crt', 'tls.key'] as const) root.writeTo(given, name);
    const wait = `${waitMs}ms`;
    edge = await startCaddy({
      folder,
      upstreams: stub.upstreams,
      environment: {
        EDGE_ROOT: 'given_root',
        EDGE_ROOT_FOLDER: given,
        EDGE_IN_FLIGHT_MAX: String(inFlightMax),
        EDGE_CALL_WAIT: wait,
        EDGE_READ_WAIT: wait,
      },
    });
    session = http2.connect(`https://record.local:${edge.port}`, {
      ca: root.certificate,
      createConnection: () =>
        tls.connect({ host: '127.0.0.1', port: edge.port, servername: 'record.local', ca: root.certificate, ALPNProtocols: ['h2'] }),
    });
  });
  after(async () => {
    session?.close();
    await edge?.stop();
    await stub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => stub.reset());

  const call = (method: string, path: string, headers: http2.OutgoingHttpHeaders = {}) =>
    new Promise<{ status: number; headers: http2.IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: method === 'GET' });
      let received: http2.IncomingHttpHeaders = {};
      let body = '';
      stream.on('response', (value) => {
        received = value;
      });
      stream.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      stream.on('error', reject).on('end', () => resolve({ status: Number(received[':status']), headers: received, body }));
      if (method !== 'GET') stream.end(Buffer.alloc(5));
    });

  test('its certificate comes from the root that it was given', async () => {
    assert.equal((await call('GET', '/healthz')).status, 200);
    const verified = execFileSync('openssl', ['x509', '-noout', '-subject'], { input: root.certificate, encoding: 'utf8' });
    assert.match(verified, /record-platform/);
  });

  /** Holds each request for a while, and knows how many there were at once. */
  function holding(ms: number): { most: () => number } {
    let now = 0;
    let most = 0;
    stub.behave((stream) => {
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        stream.respond({ ':status': 200 });
        stream.end('served');
      }, ms);
    });
    return { most: () => most };
  }

  test('no function gets more at once than allowed, by whichever route; the others wait and are served', async () => {
    const held = holding(100);
    const reads = Array.from({ length: 12 }, () => call('GET', '/api/records/1'));
    const calls = Array.from({ length: 12 }, () =>
      call('POST', '/records.RecordsService/GetRecord', { 'content-type': 'application/grpc' }),
    );
    const answers = await Promise.all([...reads, ...calls]);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(stub.seen.length, 24);
    // Caddy counts just after it has looked, so two that look at once may both go.
    assert.ok(held.most() <= inFlightMax + 2, `${held.most()} at once`);
  });

  test('who has waited long enough is told so in its own dialect, while another function is not touched', async () => {
    holding(waitMs + 1000);
    const busy = Array.from({ length: inFlightMax }, () => call('GET', '/api/records/1'));
    await sleep(100);
    const read = call('GET', '/api/records/1');
    const write = call('PATCH', '/api/records/1', { 'content-type': 'application/json' });
    const grpc = call('POST', '/records.RecordsService/GetRecord', { 'content-type': 'application/grpc' });
    assert.equal((await write).status, 200, 'update-record has places of its own');
    const refused = await read;
    assert.deepEqual(
      [refused.status, refused.headers['retry-after'], refused.headers['content-type'], JSON.parse(refused.body).code],
      [503, '1', 'application/problem+json', 'UPSTREAM_UNAVAILABLE'],
    );
    const { status, headers } = await grpc;
    assert.deepEqual([status, headers['content-type'], headers['grpc-status']], [200, 'application/grpc', '14']);
    await Promise.all(busy);
  });

  test('a read that Envoy answers by itself (503 in plain text) is asked again, a write is not', async () => {
    stub.behave((stream, _, nth) => {
      stream.respond(nth < 3 ? { ':status': 503, 'content-type': 'text/plain' } : { ':status': 200 });
      stream.end('no healthy upstream');
    });
    assert.deepEqual([(await call('GET', '/api/records/1')).status, stub.seen.length], [200, 3]);
    stub.reset();
    stub.behave((stream) => {
      stream.respond({ ':status': 503, 'content-type': 'text/plain' });
      stream.end('no healthy upstream');
    });
    assert.deepEqual([(await call('POST', '/api/records', { 'content-type': 'application/json' })).status, stub.seen.length], [503, 1]);
  });

  test('the root’s key stays where it was given', () => {
    assert.doesNotMatch(readFileSync(join(folder, 'log/caddy.log'), 'utf8'), /PRIVATE KEY/);
  });
});
