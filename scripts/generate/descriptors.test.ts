import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { descriptors } from '../../proto/generated/descriptors.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';

const { files, symbols, extensions, services } = descriptors;
const protos = Object.values(files).map(({ bytes }) => fromBinary(FileDescriptorProtoSchema, Buffer.from(bytes, 'base64')));

test('the files link with each other and nothing else, and our options are still in them', () => {
  const records = protos.find((file) => file.name === 'records.proto');
  assert.ok(records);
  const registry = createFileRegistry(records, (name) => protos.find((file) => file.name === name));
  const method = registry.getService('records.RecordsService')?.methods.find(({ name }) => name === 'CreateRecord');
  const status = registry.getExtension('platform.success_status');
  assert.ok(method && status);
  assert.equal(getOption(method, status), 201);
});

test('comments are left out, imports are exact', () => {
  for (const proto of protos) {
    assert.equal(proto.sourceCodeInfo, undefined);
    assert.deepEqual(files[proto.name]?.imports, proto.dependency);
    for (const name of proto.dependency) assert.ok(files[name], name);
  }
});

test('every service, method, message and field of ours is found by its name', () => {
  for (const rpc of rpcs) {
    const file = `${rpc.service.split('.')[0]}.proto`;
    for (const name of [
      rpc.service,
      `${rpc.service}.${rpc.name}`,
      rpc.request.name,
      ...rpc.request.fields.map((field) => `${rpc.request.name}.${field.name}`),
    ])
      assert.equal(symbols[name], file, name);
  }
  assert.equal(symbols['records.VINYL'], 'records.proto');
  assert.equal(symbols['google.rpc.BadRequest.FieldViolation'], 'google/rpc/error_details.proto');
});

test('extensions are found by number, and health and reflection are services too', () => {
  assert.equal(extensions['google.protobuf.MethodOptions']?.[50001], 'platform.proto');
  assert.deepEqual(services, [
    'auth.AuthService',
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
    'records.RecordsService',
  ]);
});
