import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CodeGeneratorRequestSchema, CodeGeneratorResponseSchema } from '@bufbuild/protobuf/wkt';
import type { ContractImage } from './contract-image.ts';
import type { Outputs } from './outputs.ts';

/** Beside our own packages: what errors, health and reflection are made of. */
const foreign = [
  'google/protobuf/any.proto',
  'google/protobuf/duration.proto',
  'google/protobuf/field_mask.proto',
  'google/rpc/error_details.proto',
  'google/rpc/status.proto',
  'grpc/health/v1/health.proto',
  'grpc/reflection/v1/reflection.proto',
];

const options = [
  'outputServices=grpc-js',
  'esModuleInterop=true',
  'importSuffix=.ts',
  'useOptionals=none',
  'useDate=string',
  'stringEnums=true',
  // Node's type stripping refuses real enums.
  'enumsAsLiterals=true',
  'forceLong=number',
  // JSON is read by functions/runtime/read-json.ts, which is strict; and JSON.stringify of a message is proto3 JSON.
  'outputJsonMethods=false',
  'emitImportedFiles=false',
  'env=node',
];

/**
 * Message types, codecs and typed clients by ts-proto, as a protoc plugin (CodeGeneratorRequest on stdin).
 * @param own the files of our own packages, such as "auth.proto"
 * @returns files below `folder`
 * @throws Error with the plugin's own words
 */
export function generateMessages(image: ContractImage, own: readonly string[], folder: string): Outputs {
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: [...own, ...foreign],
    parameter: options.join(','),
    protoFile: image.files.file,
  });
  const plugin = createRequire(import.meta.url).resolve('ts-proto/build/src/plugin');
  const run = spawnSync(process.execPath, [plugin], {
    input: toBinary(CodeGeneratorRequestSchema, request),
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.status !== 0) throw new Error(`ts-proto failed: ${run.stderr}`);
  const response = fromBinary(CodeGeneratorResponseSchema, run.stdout);
  if (response.error) throw new Error(`ts-proto refused: ${response.error}`);
  return new Map(response.file.map((file) => [`${folder}/${file.name}`, file.content]));
}
