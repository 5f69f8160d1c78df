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

const build = (folder: string, ...options: string[]): Buffer =>
  execFileSync(buf, ['build', folder, '-o', '-#format=binpb', ...options], {
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/**
 * Compiles the .proto files of a folder with buf.
 * @throws Error where they cannot be compiled; buf's own findings (file:line:column:message) are on stderr
 */
export function compileContract(folder: string): ContractImage {
  const files = fromBinary(FileDescriptorSetSchema, build(folder, '--as-file-descriptor-set'));
  return { files, registry: createFileRegistry(files) };
}

/** The same as a buf image without comments, for `buf breaking --against`. */
export const contractImage = (folder: string): Buffer => build(folder, '--exclude-source-info');
