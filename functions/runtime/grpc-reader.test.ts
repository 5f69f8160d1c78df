import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateRecordRequestShape, UpdateRecordRequestShape } from '../../proto/generated/records.rpc.ts';
import { CreateRecordRequest, Record, UpdateRecordRequest } from '../../proto/generated/records.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { randomMessage, randomNumbers } from '../testing/random-message.ts';
import { checkFields } from './check-fields.ts';
import { readGrpc } from './grpc-reader.ts';
import { Refusal } from './refusal.ts';

const caller = '01890a5d-ac96-774b-bcce-b302099a8057';

for (const rpc of rpcs)
  test(`any valid ${rpc.request.name} is the same after the gRPC wire`, async () => {
    const { request: codec } = await rpc.codecs();
    const random = randomNumbers(11);
    for (let round = 0; round < 200; round++) {
      const message = randomMessage(rpc.request, random, caller);
      const read = readGrpc(codec, rpc.request, codec.encode(message).finish());
      assert.deepEqual(read.violations, []);
      assert.deepEqual(read.message, message);
      assert.deepEqual(checkFields(rpc.request, read.message, caller), []);
    }
  });

const refused: { name: string; bytes: number[] }[] = [
  { name: 'text that is not UTF-8', bytes: [0x0a, 0x02, 0xff, 0xfe] },
  { name: 'text in an inner message that is not UTF-8', bytes: [0x12, 0x04, 0x1a, 0x02, 0xc3, 0x28] },
  { name: 'half a surrogate pair', bytes: [0x0a, 0x03, 0xed, 0xa0, 0x80] },
  { name: 'a length that goes beyond the end', bytes: [0x0a, 0x7f, 0x61] },
  { name: 'a number without its end', bytes: [0x08, 0xff] },
  { name: 'a zero where a field begins', bytes: [0x00, 0x01] },
  { name: 'the end of a group that never began', bytes: [0x0c, 0x0a, 0x01, 0x61] },
  { name: 'a group without its end', bytes: [0x53] },
];

for (const { name, bytes } of refused)
  test(`${name} is MALFORMED_BODY`, () => {
    assert.throws(
      () => readGrpc(CreateRecordRequest, CreateRecordRequestShape, Uint8Array.from(bytes)),
      (thrown) => thrown instanceof Refusal && thrown.reason === 'MALFORMED_BODY',
    );
  });

test('unknown fields are skipped, as the wire format demands', () => {
  const known = CreateRecordRequest.encode(CreateRecordRequest.fromPartial({ record: { artist: 'Can' } })).finish();
  const unknown = Uint8Array.from([0xfa, 0x3f, 0x01, 0x78]); // field 1023, one byte
  const { message, violations } = readGrpc(CreateRecordRequest, CreateRecordRequestShape, Buffer.concat([known, unknown]));
  assert.deepEqual(violations, []);
  assert.equal((message as CreateRecordRequest).record?.artist, 'Can');
});

test('a byte order mark is a character like any other', () => {
  const bytes = CreateRecordRequest.encode(CreateRecordRequest.fromPartial({ requestId: '\ufeffa' })).finish();
  assert.equal((readGrpc(CreateRecordRequest, CreateRecordRequestShape, bytes).message as CreateRecordRequest).requestId, '\ufeffa');
});

test('output-only fields are cleared, the rest stays', () => {
  const record = Record.fromPartial({ id: 'x', etag: 'y', createdAt: 'z', artist: 'Can', media: [{ index: 1 }] });
  const bytes = CreateRecordRequest.encode(CreateRecordRequest.fromPartial({ record })).finish();
  const { message } = readGrpc(CreateRecordRequest, CreateRecordRequestShape, bytes);
  assert.deepEqual((message as CreateRecordRequest).record, Record.fromPartial({ artist: 'Can', media: [{ index: 1 }] }));
});

test('a mask comes in either spelling; a path that names nothing is the same fault as in JSON', () => {
  const read = (updateMask: string[]) =>
    readGrpc(
      UpdateRecordRequest,
      UpdateRecordRequestShape,
      UpdateRecordRequest.encode(UpdateRecordRequest.fromPartial({ updateMask })).finish(),
    );
  assert.deepEqual((read(['hasInsert', 'catalog_number', 'has_insert']).message as UpdateRecordRequest).updateMask, [
    'has_insert',
    'catalog_number',
  ]);
  assert.deepEqual((read(['*']).message as UpdateRecordRequest).updateMask, ['*']);
  assert.deepEqual(
    read(['notes', 'colour']).violations.map(({ path, reason }) => [path, reason]),
    [[['update_mask', 1], 'UNKNOWN_MASK_PATH']],
  );
  const without = readGrpc(UpdateRecordRequest, UpdateRecordRequestShape, new Uint8Array());
  assert.equal((without.message as UpdateRecordRequest).updateMask, undefined);
});

test('an enum number that the contract does not have is the same fault as in JSON', () => {
  // record { media { kind: 99 } }
  const { message } = readGrpc(CreateRecordRequest, CreateRecordRequestShape, Uint8Array.from([0x12, 0x05, 0xf2, 0x01, 0x02, 0x10, 0x63]));
  assert.deepEqual(
    checkFields(CreateRecordRequestShape, message).map(({ path, reason }) => [path.join('/'), reason]),
    [['record/media/0/kind', 'UNKNOWN_VALUE']],
  );
});
