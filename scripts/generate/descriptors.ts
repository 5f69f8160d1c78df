import { type AnyDesc, clone, toBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Descriptors } from '../../functions/runtime/reflection.ts';
import type { ContractImage } from './contract-image.ts';
import type { Outputs } from './outputs.ts';

/**
 * The names by which a client may ask for a file. Of Google's own files only types: nobody asks for the fields of
 * descriptor.proto, and they would be more than everything else together.
 */
function symbolsOf(desc: AnyDesc): string[] {
  if (desc.kind !== 'file' && desc.kind !== 'extension' && 'file' in desc && desc.file.name.startsWith('google/'))
    return 'typeName' in desc ? [desc.typeName] : [];
  switch (desc.kind) {
    case 'message':
      return [desc.typeName, ...desc.fields.map((field) => `${desc.typeName}.${field.name}`)];
    case 'enum': {
      // Values are siblings of their enum (C++ scoping), not its children.
      const scope = desc.typeName.slice(0, desc.typeName.lastIndexOf('.') + 1);
      return [desc.typeName, ...desc.values.map((value) => `${scope}${value.name}`)];
    }
    case 'service':
      return [desc.typeName, ...desc.methods.map((method) => `${desc.typeName}.${method.name}`)];
    case 'extension':
      return [desc.typeName];
    default:
      return [];
  }
}

/**
 * What reflection answers with, indexed by every question: the bytes of each file without comments, options kept.
 * @returns descriptors.ts below `folder`
 */
export function generateDescriptors({ registry }: ContractImage, folder: string): Outputs {
  const files: Record<string, Descriptors['files'][string]> = {};
  const symbols: Record<string, string> = {};
  const extensions: Record<string, Record<number, string>> = {};
  const services: string[] = [];
  for (const file of [...registry.files].sort((a, b) => (a.proto.name < b.proto.name ? -1 : 1))) {
    const { name } = file.proto;
    const proto = clone(FileDescriptorProtoSchema, file.proto);
    proto.sourceCodeInfo = undefined;
    files[name] = { bytes: Buffer.from(toBinary(FileDescriptorProtoSchema, proto)).toString('base64'), imports: file.proto.dependency };
    for (const desc of nestedTypes(file)) {
      for (const symbol of symbolsOf(desc)) symbols[symbol] = name;
      if (desc.kind === 'service') services.push(desc.typeName);
      if (desc.kind !== 'extension') continue;
      extensions[desc.extendee.typeName] ??= {};
      (extensions[desc.extendee.typeName] as Record<number, string>)[desc.number] = name;
    }
  }
  const descriptors: Descriptors = { files, symbols, extensions, services };
  return new Map([
    [
      `${folder}/descriptors.ts`,
      `// Generated from proto/ by \`npm run generate\`. Do not edit.\n\nimport type { Descriptors } from '../../functions/runtime/reflection.ts';\n\nexport const descriptors: Descriptors = ${JSON.stringify(descriptors, undefined, 1)};\n`,
    ],
  ]);
}
