import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineFunction } from '../../functions/runtime/define-function.ts';
import { createPort, type Port } from '../../functions/runtime/port.ts';
import { type Running, serve } from '../../functions/runtime/serve.ts';
import { Logout } from '../../proto/generated/auth.rpc.ts';
import { connectHttp2, talk } from './clients.ts';

/** A port that is less patient than in production, and otherwise the same. */
const times = { firstBytesMs: 400, headersMs: 600, idleMs: 700, keepAliveMs: 500, checkMs: 50 };
let port: Port;
let at: number;
let slow: Running;

before(async () => {
  port = createPort({
    headerBytesMax: 16_384,
    timeoutSeconds: 1,
    http: (exchange) => exchange.answer(200, [], 'fine'),
    grpc: () => Promise.reject(new Error('no gRPC on this port')),
    onError: () => {},
    times,
  });
  at = await port.listen(0, '127.0.0.1');
  const fast = defineFunction({ rpc: Logout, operation: () => ({}), limits: { timeoutSeconds: 1 } });
  slow = await serve(fast, { HOST: '127.0.0.1', PORT: '0' });
});
after(async () => {
  port.destroy();
  await Promise.all([port.drain(), slow.stop()]);
});

/** Between what is asked for and what a busy machine makes of it. */
function assertAbout(milliseconds: number, expected: number, what: string): void {
  assert.ok(milliseconds >= expected - 50 && milliseconds < expected + 2_500, `${what}: ${milliseconds.toFixed(0)} ms`);
}

/** The answer that a raw connection got: its status, and the code of its problem. */
function problemIn(heard: string): [status: string | undefined, code: string | undefined] {
  return [/^HTTP\/1\.1 (\d+)/.exec(heard)?.[1], /"code":"(\w+)"/.exec(heard)?.[1]];
}

const slowly = (text: string, times: number): string[] => Array.from({ length: times }, () => text);
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const settingsFrame = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

describe('a client that keeps the port waiting', { concurrency: true }, () => {
  for (const { name, pieces, pauseMs = 50, expectedMs, answer = [undefined, undefined] } of [
    { name: 'sends nothing', pieces: [], expectedMs: times.firstBytesMs },
    { name: 'sends the beginning of what may be the preface', pieces: ['PRI * HT'], expectedMs: times.firstBytesMs },
    { name: 'sends the preface and nothing after it', pieces: [preface], expectedMs: times.headersMs, answer: 'frames' },
    { name: 'sends half of the preface', pieces: [preface.slice(0, 16)], expectedMs: times.headersMs, answer: 'frames' },
    {
      name: 'sends its headers letter by letter',
      pieces: ['GET / HTTP/1.1\r\nX-Slow: ', ...slowly('a', 60)],
      expectedMs: times.headersMs,
      answer: ['408', 'REQUEST_TIMEOUT'],
    },
    { name: 'sends a first line without end', pieces: slowly('G', 60), expectedMs: 0, answer: 'any' },
    { name: 'sends empty lines for ever', pieces: slowly('\r\n'.repeat(50), 80), expectedMs: times.headersMs, answer: 'any' },
    {
      name: 'asks once and stays',
      pieces: ['GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
      expectedMs: times.keepAliveMs,
      answer: ['200', undefined],
    },
    {
      name: 'opens HTTP/2 and stays',
      pieces: [Buffer.concat([Buffer.from(preface), settingsFrame])],
      expectedMs: times.idleMs,
      answer: 'frames',
    },
  ] as { name: string; pieces: (string | Buffer)[]; pauseMs?: number; expectedMs: number; answer?: unknown }[]) {
    test(`and ${name} is closed on in time`, async () => {
      const { heard, milliseconds } = await talk(at, pieces, pauseMs);
      assertAbout(milliseconds, expectedMs, name);
      if (answer === 'frames') assert.doesNotMatch(heard, /^HTTP/);
      else if (answer !== 'any') assert.deepEqual(problemIn(heard), answer);
    });
  }

  test('and sends megabytes before a first line gets no further than its limits', async () => {
    const before = process.memoryUsage.rss();
    for (const piece of ['a'.repeat(65_536), '\r\n'.repeat(32_768), `GET /${'a'.repeat(65_536)}`]) {
      const { milliseconds } = await talk(at, slowly(piece, 200), 1);
      assert.ok(milliseconds < times.headersMs + 2_500, `${milliseconds.toFixed(0)} ms`);
    }
    assert.ok(process.memoryUsage.rss() - before < 100 * 1024 * 1024);
    assert.equal((await connectOnce(at)).status, 200);
  });

  test('by opening and resetting streams all the time does not keep others from being served', async () => {
    const client = http2.connect(`http://127.0.0.1:${at}`);
    client.on('error', () => {});
    for (let stream = 0; stream < 5_000 && !client.destroyed && !client.closed; stream++) {
      const request = client.request({ ':path': '/' });
      request.on('error', () => {});
      request.close(http2.constants.NGHTTP2_CANCEL);
      if (stream % 500 === 0) await sleep(1);
    }
    const startedAt = performance.now();
    assert.equal((await connectOnce(at)).status, 200);
    assert.ok(performance.now() - startedAt < 2_000);
    client.destroy();
  });
});

function connectOnce(to: number): Promise<{ status: number | undefined }> {
  return new Promise((resolve, reject) => {
    http
      .get({ port: to, host: '127.0.0.1', agent: false }, (response) => resolve({ status: response.resume().statusCode }))
      .on('error', reject);
  });
}

describe('a body that trickles in', { concurrency: true }, () => {
  const head = 'POST /api/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  for (const [name, pieces] of [
    ['with its length announced', [`${head}Content-Length: 1000\r\n\r\n{`, ...slowly(' ', 100)]],
    ['chunk by chunk', [`${head}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`, ...slowly('1\r\n \r\n', 100)]],
  ] as const)
    test(`${name} is 408 on HTTP/1.1`, async () => {
      const { heard, milliseconds } = await talk(slow.port, pieces, 50);
      assert.deepEqual(problemIn(heard), ['408', 'REQUEST_TIMEOUT']);
      assertAbout(milliseconds, 1_000, name);
    });

  test('is 408 on HTTP/2, and the connection serves on', async () => {
    const client = connectHttp2(slow.port);
    const stream = client.session.request({ ':method': 'POST', ':path': '/api/auth/logout', 'content-type': 'application/json' });
    stream.on('error', () => {});
    stream.write('{');
    const answered = new Promise<http2.IncomingHttpHeaders>((resolve) => stream.once('response', resolve));
    const drip = setInterval(() => !stream.closed && stream.write(' '), 50);
    assert.equal((await answered)[':status'], 408);
    clearInterval(drip);
    assert.equal((await client.ask({ path: '/livez' })).status, 200);
    client.close();
  });

  test('is REQUEST_TIMEOUT on gRPC, and the connection serves on', async () => {
    const client = connectHttp2(slow.port);
    const stream = client.session.request({ ':method': 'POST', ':path': Logout.path, 'content-type': 'application/grpc', te: 'trailers' });
    stream.on('error', () => {});
    stream.write(Buffer.from([0, 0, 0, 0, 50]));
    const answered = new Promise<http2.IncomingHttpHeaders>((resolve) => stream.once('response', resolve));
    const drip = setInterval(() => !stream.closed && stream.write(Buffer.from([0x0a])), 100);
    assert.equal((await answered)['grpc-status'], '4');
    clearInterval(drip);
    const fine = await client.grpc(Logout.path, Buffer.from([0x0a, 1, 0x61]));
    assert.equal(fine.code, 0);
    client.close();
  });

  test('never coming at all is REQUEST_TIMEOUT on gRPC too', async () => {
    const client = connectHttp2(slow.port);
    const stream = client.session.request({ ':method': 'POST', ':path': Logout.path, 'content-type': 'application/grpc', te: 'trailers' });
    const [headers] = await new Promise<[http2.IncomingHttpHeaders]>((resolve) => stream.once('response', (...all) => resolve([all[0]])));
    assert.equal(headers['grpc-status'], '4');
    stream.on('error', () => {});
    client.close();
  });
});

test('a connection that is half closed after its request gets its answer', async () => {
  const heard = await new Promise<string>((resolve, reject) => {
    const socket = net.connect({ port: at, host: '127.0.0.1', allowHalfOpen: true }, () => socket.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  assert.match(heard, /^HTTP\/1\.1 200/);
});
