import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { ErrorInfo, RetryInfo } from '../proto/generated/google/rpc/error_details.ts';
import { Status } from '../proto/generated/google/rpc/status.ts';
import { rpcs } from '../proto/generated/rpcs.ts';
import { type Caddy, startCaddy } from '../scripts/stack/caddy.ts';
import { curlHttp3 } from '../scripts/tools/debian.ts';
import { type StubFunctions, startStubFunctions } from './stub-functions.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

describe('the edge', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-edge-'));
  let stub: StubFunctions;
  let edge: Caddy;
  let ca: Buffer;
  let session: ClientHttp2Session;

  before(async () => {
    stub = await startStubFunctions(rpcs.map(({ functionName }) => functionName));
    edge = await startCaddy({ folder, upstreams: stub.upstreams });
    ca = readFileSync(edge.rootCertificate);
    session = connect();
  });
  after(async () => {
    session?.close();
    await edge?.stop();
    await stub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => stub.reset());

  const connect = () =>
    http2.connect(`https://record.local:${edge.port}`, {
      ca,
      createConnection: () => tls.connect({ host: '127.0.0.1', port: edge.port, servername: 'record.local', ca, ALPNProtocols: ['h2'] }),
    });

  /** One request over HTTP/2. */
  function call(method: string, path: string, headers: OutgoingHttpHeaders = {}, body?: string | Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined });
      let received: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.on('response', (value) => {
        received = value;
      });
      stream.on('trailers', (value) => {
        trailers = value;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () =>
        resolve({ status: Number(received[':status']), headers: received, trailers, body: Buffer.concat(chunks).toString() }),
      );
      if (body !== undefined) stream.end(body);
    });
  }
  const grpc = (path: string, headers: OutgoingHttpHeaders = {}, body: Buffer = Buffer.alloc(5)) =>
    call('POST', path, { 'content-type': 'application/grpc', te: 'trailers', ...headers }, body);

  /** A refusal of the edge's own: problem+json with the request id that the header has. */
  function assertProblem(answer: Answer, status: number, code: string): void {
    assert.equal(answer.status, status);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    const problem = JSON.parse(answer.body);
    assert.deepEqual(Object.keys(problem), ['type', 'title', 'status', 'detail', 'instance', 'code']);
    assert.equal(problem.status, status);
    assert.equal(problem.code, code);
    assert.equal(problem.instance, answer.headers['x-request-id']);
  }

  /** What a gRPC refusal tells beside its code, decoded by the codecs that clients use. */
  function detailsOf(headers: IncomingHttpHeaders) {
    const { code, details } = Status.decode(Buffer.from(String(headers['grpc-status-details-bin']), 'base64'));
    const find = (name: string) => details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`)?.value;
    const { reason, domain } = ErrorInfo.decode(find('ErrorInfo') ?? Buffer.alloc(0));
    const retry = find('RetryInfo');
    return { code, reason, domain, retrySeconds: retry && RetryInfo.decode(retry).retryDelay?.seconds };
  }

  describe('routes', () => {
    for (const { functionName, http, path } of rpcs) {
      for (const rule of http) {
        test(`${rule.method} ${rule.path} goes to ${functionName}`, async () => {
          const answer = await call(rule.method, rule.path.replace(/\{\w+\}/, '0190a000-0000-7000-8000-000000000000'));
          assert.deepEqual(JSON.parse(answer.body), { functionName });
        });
      }
      test(`gRPC ${path} goes to ${functionName}`, async () => {
        await grpc(path);
        assert.deepEqual(
          stub.seen.map((seen) => [seen.functionName, seen.headers[':path']]),
          [[functionName, path]],
        );
      });
    }

    test('a query stays with its path, and HEAD goes where GET goes', async () => {
      await call('HEAD', '/api/records?q=can%20ege');
      assert.equal(stub.seen[0]?.functionName, 'records-search-records');
      assert.equal(stub.seen[0]?.headers[':path'], '/api/records?q=can%20ege');
      assert.equal(stub.seen[0]?.headers[':method'], 'HEAD');
    });

    test('a method that a path of one function does not take reaches that function, which answers 405 itself', async () => {
      await call('DELETE', '/api/auth/login');
      assert.equal(stub.seen[0]?.functionName, 'auth-authenticate');
    });

    for (const [path, allow] of [
      ['/api/records', 'GET, HEAD, POST'],
      ['/api/records/1', 'DELETE, GET, HEAD, PATCH, PUT'],
      ['/healthz', 'GET, HEAD'],
      ['/api/openapi.json', 'GET, HEAD'],
    ] as const) {
      test(`where functions share a path, or the edge answers it, another method is 405 with all of them in Allow: ${path}`, async () => {
        const answer = await call('OPTIONS', path);
        assertProblem(answer, 405, 'METHOD_NOT_ALLOWED');
        assert.equal(answer.headers.allow, allow);
        assert.equal(stub.seen.length, 0);
      });
    }

    for (const path of ['/', '/api', '/api/records/', '/api/records/1/2', '/api/recordsx', '/records.RecordsService/GetRecord']) {
      test(`nothing is at ${path}`, async () => {
        assertProblem(await call('GET', path), 404, 'ROUTE_NOT_FOUND');
        assert.equal(stub.seen.length, 0);
      });
    }

    test('an unknown gRPC method is UNIMPLEMENTED, as gRPC', async () => {
      const { status, headers } = await grpc('/records.RecordsService/Nothing');
      assert.deepEqual([status, headers['content-type'], headers['grpc-status']], [200, 'application/grpc', '12']);
      assert.deepEqual(detailsOf(headers), { code: 12, reason: 'ROUTE_NOT_FOUND', domain: 'record-platform', retrySeconds: undefined });
    });

    for (const path of [
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
      '/grpc.health.v1.Health/Check',
      '/grpc.health.v1.Health/Watch',
    ]) {
      test(`one function answers ${path} for all`, async () => {
        await grpc(path);
        assert.equal(stub.seen[0]?.functionName, 'records-get-record');
      });
    }

    test('what is not quite gRPC is no gRPC', async () => {
      assertProblem(
        await call('POST', '/records.RecordsService/GetRecord', { 'content-type': 'application/grpc-web' }, ''),
        404,
        'ROUTE_NOT_FOUND',
      );
    });

    test('/healthz is the edge’s own, and the OpenAPI document is served', async () => {
      assert.deepEqual(JSON.parse((await call('GET', '/healthz')).body), { status: 'ok' });
      const document = await call('GET', '/api/openapi.json');
      assert.equal(document.headers['content-type'], 'application/json');
      assert.match(JSON.parse(document.body).openapi, /^3\.1/);
      assert.equal(stub.seen.length, 0);
    });
  });

  describe('what comes from outside', () => {
    test('request id and caller address are the edge’s, whatever the client claims', async () => {
      const forged = '00000000-0000-4000-8000-000000000000';
      const answer = await call('GET', '/api/auth/me', {
        'x-request-id': forged,
        'x-forwarded-for': '203.0.113.1',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'http',
        'x-real-ip': '203.0.113.1',
        forwarded: 'for=203.0.113.1',
      });
      const headers = stub.seen[0]?.headers ?? {};
      assert.match(String(headers['x-request-id']), /^[0-9a-f]{8}-[0-9a-f]{4}-/);
      assert.notEqual(headers['x-request-id'], forged);
      assert.equal(answer.headers['x-request-id'], headers['x-request-id']);
      assert.equal(headers['x-forwarded-for'], '127.0.0.1');
      assert.equal(headers['x-forwarded-proto'], 'https');
      assert.equal(headers['x-forwarded-host'], `record.local:${edge.port}`);
      assert.equal(headers['x-real-ip'], undefined);
      assert.equal(headers.forwarded, undefined);
    });

    test('no header steers the proxies behind the edge', async () => {
      const steering = {
        'x-envoy-retry-on': '5xx',
        'x-envoy-upstream-rq-timeout-ms': '1',
        'knative-serving-tag': 'canary',
        'k-passthrough-lb': 'true',
        'k-network-probe': 'queue',
        'x-original-url': '/x',
        'x-http-method-override': 'DELETE',
        'ce-id': '1',
        baggage: 'a=b',
        tracestate: 'a=b',
        b3: '1',
        'x-b3-traceid': '1',
        via: '1.1 somewhere',
      };
      await call('GET', '/api/auth/me', { ...steering, authorization: 'Bearer t', 'idempotency-key': 'k' });
      const headers = stub.seen[0]?.headers ?? {};
      assert.deepEqual(
        Object.keys(steering).filter((name) => headers[name] !== undefined),
        [],
      );
      assert.equal(headers.authorization, 'Bearer t');
      assert.equal(headers['idempotency-key'], 'k');
      assert.equal(headers.host ?? headers[':authority'], 'auth-get-me.localhost');
    });

    test('a well-formed traceparent goes on, another does not', async () => {
      const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      for (const traceparent of [good, `${good}-x`, 'x', good.toUpperCase(), good.replace(/^00/, 'ff')])
        await call('GET', '/api/auth/me', { traceparent });
      assert.deepEqual(
        stub.seen.map(({ headers }) => headers.traceparent),
        [good, undefined, undefined, undefined, undefined],
      );
    });

    test('a function’s own request id, server name and Via do not get out', async () => {
      stub.behave((stream) => {
        stream.respond({ ':status': 200, 'x-request-id': 'forged', server: 'x', via: 'x' });
        stream.end();
      });
      const { headers } = await call('GET', '/api/auth/me');
      assert.equal(headers['x-request-id'], stub.seen[0]?.headers['x-request-id']);
      assert.equal(headers.server, undefined);
      assert.equal(headers.via, undefined);
    });

    test('a body beyond the edge’s limit is 413, and RESOURCE_EXHAUSTED on gRPC', async () => {
      stub.behave((stream) => {
        stream.on('end', () => !stream.destroyed && stream.respond({ ':status': 200 }, { endStream: true }));
        stream.resume();
      });
      const large = Buffer.alloc(1_100_000);
      assertProblem(await call('POST', '/api/records', { 'content-type': 'application/json' }, large), 413, 'BODY_TOO_LARGE');
      const { headers } = await grpc('/records.RecordsService/CreateRecord', {}, large);
      assert.deepEqual([headers['content-type'], headers['grpc-status']], ['application/grpc', '8']);
    });
  });

  describe('faults', () => {
    const reads = '/api/records/1';

    test('a function that is down: 503 with Retry-After, and UNAVAILABLE on gRPC', async () => {
      await stub.kill('auth-authenticate');
      try {
        const answer = await call(
          'POST',
          '/api/auth/login?password=hunter2',
          { 'content-type': 'application/json', authorization: 'Bearer secret' },
          '{}',
        );
        assertProblem(answer, 503, 'UPSTREAM_UNAVAILABLE');
        assert.equal(answer.headers['retry-after'], '1');
        const { status, headers } = await grpc('/auth.AuthService/Authenticate');
        assert.deepEqual([status, headers['content-type'], headers['grpc-status']], [200, 'application/grpc', '14']);
        assert.deepEqual(detailsOf(headers), { code: 14, reason: 'UPSTREAM_UNAVAILABLE', domain: 'record-platform', retrySeconds: 1 });
      } finally {
        await stub.revive('auth-authenticate');
      }
    });

    test('a read whose function dies with it is answered by the next process', async () => {
      stub.behave((stream, functionName, nth) => {
        if (nth === 1) void stub.kill(functionName).then(() => sleep(200).then(() => stub.revive(functionName)));
        else {
          stream.respond({ ':status': 200 });
          stream.end('second');
        }
      });
      const answer = await call('GET', reads);
      assert.deepEqual([answer.status, answer.body, stub.seen.length], [200, 'second', 2]);
    });

    test('a read that a proxy on the way answers with 502 is asked again', async () => {
      stub.behave((stream, _, nth) => {
        stream.respond({ ':status': nth < 3 ? 502 : 200 });
        stream.end();
      });
      assert.deepEqual([(await call('GET', reads)).status, stub.seen.length], [200, 3]);
    });

    for (const [method, path] of [
      ['POST', '/api/records'],
      ['PATCH', reads],
      ['PUT', reads],
      ['DELETE', reads],
      // A path that only reads: still no reason to send a POST twice.
      ['POST', '/api/auth/me'],
    ] as const) {
      test(`a write is never repeated: ${method} with a 502, ${method} whose function dies with it`, async () => {
        stub.behave((stream) => {
          stream.respond({ ':status': 502 });
          stream.end();
        });
        const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' };
        const body = method === 'DELETE' ? undefined : '{}';
        const refused = await call(method, path, headers, body);
        assertProblem(refused, 503, 'UPSTREAM_UNAVAILABLE');
        assert.equal(refused.headers['retry-after'], '1');
        assert.equal(stub.seen.length, 1);
        stub.behave((_, functionName) => void stub.kill(functionName).then(() => stub.revive(functionName)));
        assertProblem(await call(method, path, headers, body), 503, 'UPSTREAM_UNAVAILABLE');
        await sleep(300);
        assert.equal(stub.seen.length, 2);
      });
    }

    test('a write that could not be sent waits for the function, and arrives once', async () => {
      await stub.kill('records-create-record');
      const answer = call('POST', '/api/records', { 'content-type': 'application/json' }, '{"artist":"Can"}');
      await sleep(300);
      await stub.revive('records-create-record');
      assert.equal((await answer).status, 200);
      assert.equal(stub.seen.length, 1);
    });

    test('a gRPC call is never repeated by the edge', async () => {
      stub.behave((_, functionName) => void stub.kill(functionName).then(() => stub.revive(functionName)));
      assert.equal((await grpc('/records.RecordsService/GetRecord')).headers['grpc-status'], '14');
      assert.equal(stub.seen.length, 1);
    });

    test('Envoy’s 503 in plain text becomes ours; a function’s own goes through', async () => {
      stub.behave((stream) => {
        stream.respond({ ':status': 503, 'content-type': 'text/plain', 'x-envoy-overloaded': 'true' });
        stream.end('upstream connect error');
      });
      assertProblem(await call('GET', reads), 503, 'UPSTREAM_UNAVAILABLE');
      stub.behave((stream) => {
        stream.respond({ ':status': 503, 'content-type': 'application/problem+json', 'retry-after': '7' });
        stream.end('{"code":"TOO_BUSY"}');
      });
      const own = await call('GET', reads);
      assert.deepEqual([own.status, own.headers['retry-after'], own.body], [503, '7', '{"code":"TOO_BUSY"}']);
    });

    test('what is logged of them holds no token', () => {
      const log = readFileSync(join(folder, 'log/caddy.log'), 'utf8');
      assert.match(log, /connection refused/);
      assert.doesNotMatch(log, /Bearer|secret|hunter2/);
    });
  });

  describe('gRPC', () => {
    const method = '/records.RecordsService/GetRecord';

    test('trailers come through, and so does a refusal that is nothing but headers, every time', async () => {
      stub.behave((stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.alloc(5));
      });
      const good = await grpc(method);
      assert.deepEqual([good.body.length, good.trailers['grpc-status']], [5, '0']);
      stub.behave((stream) =>
        stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true }),
      );
      for (let nth = 0; nth < 50; nth += 1) {
        const stream = session.request({ ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers' });
        stream.end(Buffer.alloc(5));
        // Flag 1 on HEADERS is END_STREAM (RFC 9113, 6.2): with it the headers are the trailers.
        const [headers, flags] = await new Promise<[IncomingHttpHeaders, number]>((resolve, reject) => {
          stream.on('error', reject).on('response', (received, flag) => resolve([received, flag]));
        });
        assert.equal(headers['grpc-status'], '5');
        assert.equal(flags & 1, 1, `refusal ${nth}`);
        stream.resume();
      }
    });

    test('the messages of a stream pass at once, and its cancel reaches the function', async () => {
      const canceled = new Promise<number>((resolve) => {
        stub.behave((stream) => {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
          stream.write('first');
          stream.on('close', () => resolve(stream.rstCode));
        });
      });
      const stream = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Watch', 'content-type': 'application/grpc' });
      stream.on('error', () => {});
      stream.end(Buffer.alloc(5));
      const first = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
      assert.equal(first.toString(), 'first');
      stream.close(http2.constants.NGHTTP2_CANCEL);
      assert.equal(await canceled, http2.constants.NGHTTP2_CANCEL);
    });

    test('a client that goes away cancels a unary call, too', async () => {
      const canceled = new Promise<number>((resolve) => {
        stub.behave((stream) => stream.on('close', () => resolve(stream.rstCode)));
      });
      const stream = session.request({ ':method': 'GET', ':path': '/api/records/1' });
      stream.on('error', () => {});
      await sleep(100);
      stream.close(http2.constants.NGHTTP2_CANCEL);
      assert.equal(await canceled, http2.constants.NGHTTP2_CANCEL);
    });
  });

  describe('protocols', () => {
    for (const [flag, version] of [
      ['--http1.1', '1.1'],
      ['--http2', '2'],
      ['--http3-only', '3'],
    ] as const) {
      test(`HTTP/${version} with the root trusted, by the real curl`, async () => {
        const [program = '', ...before] = await curlHttp3();
        const url = `https://record.local:${edge.port}/api/auth/me`;
        const resolve = ['--resolve', `record.local:${edge.port}:127.0.0.1`, '--cacert', edge.rootCertificate];
        const args = [...before, '-sS', flag, ...resolve, '-w', '\n%{http_version} %{http_code}', url];
        const { stdout } = await promisify(execFile)(program, args);
        assert.equal(stdout, `{"functionName":"auth-get-me"}\n${version} 200`);
      });
    }

    const handshake = (version: tls.SecureVersion): Promise<string> =>
      new Promise((resolve) => {
        const options = { host: '127.0.0.1', port: edge.port, servername: 'record.local', ca, minVersion: version, maxVersion: version };
        // Level 0, so that it isn't our own OpenSSL that refuses.
        const socket = tls.connect({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' }, () => {
          resolve(socket.getProtocol() ?? '');
          socket.destroy();
        });
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      });
    test('TLS 1.2 and 1.3 are spoken, 1.1 is refused', async () => {
      assert.equal(await handshake('TLSv1.2'), 'TLSv1.2');
      assert.equal(await handshake('TLSv1.3'), 'TLSv1.3');
      assert.match(await handshake('TLSv1.1'), /ALERT_PROTOCOL_VERSION/);
    });

    test('without the root the certificate is not trusted, and by address it answers too', async () => {
      const ask = (options: https.RequestOptions) =>
        new Promise<string | number | undefined>((resolve) => {
          https
            .get({ host: '127.0.0.1', port: edge.port, path: '/healthz', agent: false, ...options }, (response) => {
              response.resume();
              resolve(response.statusCode);
            })
            .on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
        });
      assert.notEqual(await ask({ servername: 'record.local' }), 200);
      assert.equal(await ask({ servername: 'record.local', ca }), 200);
      assert.equal(await ask({ rejectUnauthorized: false }), 200);
    });
  });
});
