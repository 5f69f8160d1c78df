import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { framed, MessageReader, timeoutOf } from './grpc-message.ts';

const bytesMax = 100;
const message = Buffer.from('a record, a record, a record');
const packed = (bytes: Buffer): Buffer => {
  const frame = framed(bytes);
  frame[0] = 1;
  return frame;
};
const bomb = gzipSync(Buffer.alloc(1_000_000));

const read = async (bytes: Buffer, encoding?: string, pieces = 1): Promise<Buffer> => {
  const reader = new MessageReader(bytesMax);
  const size = Math.ceil(bytes.length / pieces) || 1;
  for (let at = 0; at < bytes.length; at += size) reader.take(bytes.subarray(at, at + size));
  return reader.end(encoding);
};

describe('one message of a unary request', () => {
  for (const { name, bytes, encoding, pieces } of [
    { name: 'whole', bytes: framed(message) },
    { name: 'byte by byte', bytes: framed(message), pieces: 33 },
    { name: 'not packed, though an encoding is named', bytes: framed(message), encoding: 'zip' },
    { name: 'packed by gzip', bytes: packed(gzipSync(message)), encoding: 'gzip' },
    { name: 'packed by deflate, in pieces', bytes: packed(deflateSync(message)), encoding: 'deflate', pieces: 4 },
  ])
    test(`${name} is read`, async () => assert.deepEqual(await read(bytes, encoding, pieces), message));

  test('an empty one is one', async () => assert.equal((await read(framed(new Uint8Array()))).length, 0));

  for (const { name, bytes, encoding, reason } of [
    { name: 'none', bytes: Buffer.alloc(0), reason: 'MALFORMED_BODY' },
    { name: 'half a prefix', bytes: Buffer.from([0, 0, 0]), reason: 'MALFORMED_BODY' },
    { name: 'half a message', bytes: framed(message).subarray(0, 20), reason: 'MALFORMED_BODY' },
    { name: 'two messages', bytes: Buffer.concat([framed(message), framed(message)]), reason: 'MALFORMED_BODY' },
    { name: 'a flag that is none', bytes: Buffer.from([2, 0, 0, 0, 0]), reason: 'MALFORMED_BODY' },
    { name: 'packed, and no word how', bytes: packed(gzipSync(message)), reason: 'MALFORMED_BODY' },
    { name: 'packed by what nobody speaks', bytes: packed(message), encoding: 'zip', reason: 'MALFORMED_BODY' },
    { name: 'packed by a name of every object', bytes: packed(message), encoding: 'constructor', reason: 'MALFORMED_BODY' },
    { name: 'packed and broken', bytes: packed(message), encoding: 'gzip', reason: 'MALFORMED_BODY' },
    { name: 'an announced length over the limit', bytes: Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), reason: 'BODY_TOO_LARGE' },
    { name: 'too many bytes', bytes: framed(Buffer.alloc(bytesMax + 1)), reason: 'BODY_TOO_LARGE' },
    { name: 'too large when unpacked', bytes: packed(gzipSync(Buffer.alloc(bytesMax + 1))), encoding: 'gzip', reason: 'BODY_TOO_LARGE' },
  ])
    test(`${name} is ${reason}`, () => assert.rejects(read(bytes, encoding), { reason }));

  test('a megabyte packed into a kilobyte is not unpacked', async () => {
    const reader = new MessageReader(bomb.length);
    reader.take(packed(bomb));
    await assert.rejects(async () => reader.end('gzip'), { reason: 'BODY_TOO_LARGE' });
  });
});

describe('grpc-timeout', () => {
  for (const [header, milliseconds] of [
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3_000],
    ['250m', 250],
    ['99999999u', 99_999.999],
    ['1000000n', 1],
    [undefined, undefined],
  ] as const)
    test(`${header} is ${milliseconds} ms`, () => assert.equal(timeoutOf(header), milliseconds));

  for (const header of ['', 'soon', '1', 'S', '123456789S', '-1S', '1s', '1 S'])
    test(`"${header}" is refused`, () => assert.throws(() => timeoutOf(header), { reason: 'MALFORMED_BODY' }));
});
