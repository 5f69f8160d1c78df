import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import type { Exchange } from './exchange.ts';
import { createPort, type Port } from './port.ts';

/** A port whose handler answers after `waitMs` with the protocol that it saw. */
async function startPort(waitMs = 0, times = {}): Promise<{ port: Port; at: number }> {
  const port = createPort({
    headerBytesMax: 16_384,
    timeoutSeconds: 5,
    http: (exchange: Exchange) => setTimeout(() => exchange.answer(200, ['x-request-id', 'one'], exchange.dialect), waitMs),
    grpc: () => Promise.reject(new Error('no gRPC in this test')),
    onError: () => {},
    times,
  });
  return { port, at: await port.listen(0, '127.0.0.1') };
}

/** Sends bytes in the given pieces, 20 ms apart, and reads until the other side closes. */
function talk(at: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(at, '127.0.0.1');
    let heard = '';
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1');
    });
    socket.on('close', () => resolve(heard));
    socket.on('error', reject);
    for (const [index, piece] of pieces.entries()) setTimeout(() => socket.write(piece), index * 20);
  });
}

function get(client: http2.ClientHttp2Session, path = '/'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':path': path });
    let status = 0;
    let body = '';
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('data', (bytes) => {
      body += bytes;
    });
    stream.on('end', () => resolve({ status, body }));
    stream.on('error', reject);
    stream.end();
  });
}

test('the first bytes tell HTTP/1.1 from HTTP/2, however they are cut', async () => {
  const { port, at } = await startPort();
  const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  assert.match(await talk(at, [request]), /^HTTP\/1\.1 200 OK.*http\/1\.1$/s);
  assert.match(await talk(at, ['G', request.slice(1)]), /^HTTP\/1\.1 200 OK/s);
  assert.match(await talk(at, ['P', 'OST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n']), /^HTTP\/1\.1 200 OK/s);
  assert.match(await talk(at, ['PR', 'OPFIND / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n']), /^HTTP\/1\.1 200 OK/s);
  const client = http2.connect(`http://127.0.0.1:${at}`);
  assert.deepEqual(await get(client), { status: 200, body: 'http/2' });
  client.close();
  await port.drain();
});

test('a preface that comes byte by byte is HTTP/2', async () => {
  const { port, at } = await startPort();
  const socket = net.connect(at, '127.0.0.1');
  const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]);
  for (const byte of preface) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const first: Buffer = await new Promise((resolve) => socket.once('data', resolve));
  assert.equal(first[3], 4, 'the server answers with a SETTINGS frame');
  socket.destroy();
  await port.drain();
});

test('a request id is kept out of the table of headers, which it would empty of those that repeat', async () => {
  const { port, at } = await startPort();
  const client = http2.connect(`http://127.0.0.1:${at}`);
  const stream = client.request({ ':path': '/' });
  stream.resume();
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  assert.deepEqual([headers['x-request-id'], (headers as Record<symbol, unknown>)[http2.sensitiveHeaders]], ['one', ['x-request-id']]);
  client.close();
  await port.drain();
});

test('a TCP probe that opens and closes is nobody’s error', async () => {
  const { port, at } = await startPort();
  for (let probe = 0; probe < 20; probe++)
    await new Promise<void>((resolve) =>
      net.connect(at, '127.0.0.1').once('connect', function (this: net.Socket) {
        this.destroy();
        resolve();
      }),
    );
  assert.match(await talk(at, ['GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n']), /200 OK/s);
  await port.drain();
});

test('headers over the limit are 431 and garbage is 400, as problem+json', async () => {
  const { port, at } = await startPort();
  const large = await talk(at, [`GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'a'.repeat(20_000)}\r\n\r\n`]);
  assert.match(large, /^HTTP\/1\.1 431 .*application\/problem\+json.*"code":"HEADERS_TOO_LARGE"/s);
  assert.match(await talk(at, ['nonsense / HTTP/1.1\r\n\r\n']), /^HTTP\/1\.1 400 .*"code":"MALFORMED_BODY"/s);
  assert.equal(await talk(at, ['nonsense\r\n\r\n']), '', 'what names no HTTP gets no answer in HTTP');
  await port.drain();
});

test('a thousand streams at once on one connection are all answered', async () => {
  const { port, at } = await startPort(20);
  const client = http2.connect(`http://127.0.0.1:${at}`);
  const answers = await Promise.all(Array.from({ length: 1000 }, () => get(client)));
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1000);
  client.close();
  await port.drain();
});

const frame = (type: number, flags: number, stream: number, payload: readonly number[] = []): Buffer =>
  Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream, ...payload]);
/** GET / of authority "x" in HPACK, with END_STREAM and END_HEADERS. */
const getFrame = (stream: number): Buffer => frame(1, 5, stream, [0x82, 0x86, 0x84, 0x01, 1, 0x78]);

test('a drain finishes what is in flight, also what crossed the GOAWAY, and refuses new connections', async () => {
  const { port, at } = await startPort(50);
  // Frames by hand: Node's own client holds back what crosses a GOAWAY.
  const socket = net.connect(at, '127.0.0.1');
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0), getFrame(1)]));
  const answered: number[] = [];
  let goaways = 0;
  let unread = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
      const [type, stream] = [unread[3], unread.readUInt32BE(5)];
      if (type === 1) answered.push(stream);
      if (type === 7 && ++goaways === 1) socket.write(getFrame(3));
      unread = unread.subarray(9 + unread.readUIntBE(0, 3));
    }
  });
  const http1 = talk(at, ['GET / HTTP/1.1\r\nHost: x\r\n\r\n']); // keep-alive: only the server can end it
  await new Promise((resolve) => setTimeout(resolve, 20));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await port.drain();
  await ended;
  assert.deepEqual(answered, [1, 3]);
  assert.ok(goaways >= 2, 'one GOAWAY that stops new streams, one that names the last');
  assert.match(await http1, /200 OK.*connection: close/is);
  await assert.rejects(talk(at, ['GET / HTTP/1.1\r\n\r\n']), { code: 'ECONNREFUSED' });
});

test('an HTTP/2 connection stays while something moves on it, and is closed when nothing has for a while', async () => {
  const { port, at } = await startPort(0, { idleMs: 200 });
  const client = http2.connect(`http://127.0.0.1:${at}`);
  const closed = new Promise<number>((resolve) => client.once('close', () => resolve(performance.now())));
  let last = 0;
  for (let call = 0; call < 8; call++) {
    assert.equal((await get(client)).status, 200);
    last = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const idleMs = (await closed) - last;
  assert.ok(idleMs > 180 && idleMs < 2_000, `closed ${idleMs} ms after the last call`);
  await port.drain();
});
