import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** The compiled contract: every .proto file with its options and comments, dependencies first. */
export interface ContractImage {
  readonly files: FileDescriptorSet;
  readonly registry: FileRegistry;
}

const buf = join(import.meta.dirname, '../../node_modules/.bin/buf');

/**
 * Compiles the .proto files of a folder with buf.
 * @throws Error with buf's own findings (file:line:column:message).
 */
export function compileContract(folder: string): ContractImage {
  const bytes = execFileSync(buf, ['build', folder, '--as-file-descriptor-set', '-o', '-#format=binpb'], {
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const files = fromBinary(FileDescriptorSetSchema, bytes);
  return { files, registry: createFileRegistry(files) };
}
