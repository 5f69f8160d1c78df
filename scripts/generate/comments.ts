import type { DescriptorProto, EnumDescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt';

/** Field numbers of descriptor.proto, of which the paths of SourceCodeInfo are made. */
const FILE = { message: 4, enum: 5, service: 6 };
const MESSAGE = { field: 2, nested: 3, enum: 4 };
const ENUM_VALUE = 2;
const METHOD = 2;

/**
 * The comments of a file by the full name of what they stand before: "records.Record.artist" → "…". Line breaks within
 * a comment become spaces.
 */
export function commentsOf(file: FileDescriptorProto): Map<string, string> {
  const byPath = new Map<string, string>();
  for (const { path, leadingComments } of file.sourceCodeInfo?.location ?? [])
    if (leadingComments) byPath.set(path.join(','), leadingComments.trim().replace(/\s*\n\s*/g, ' '));

  const comments = new Map<string, string>();
  const note = (name: string, path: readonly number[]): void => {
    const comment = byPath.get(path.join(','));
    if (comment) comments.set(name, comment);
  };
  const enumeration = (desc: EnumDescriptorProto, scope: string, path: readonly number[]): void => {
    note(`${scope}.${desc.name}`, path);
    for (const [index, value] of desc.value.entries()) note(`${scope}.${desc.name}.${value.name}`, [...path, ENUM_VALUE, index]);
  };
  const message = (desc: DescriptorProto, scope: string, path: readonly number[]): void => {
    const name = `${scope}.${desc.name}`;
    note(name, path);
    for (const [index, field] of desc.field.entries()) note(`${name}.${field.name}`, [...path, MESSAGE.field, index]);
    for (const [index, nested] of desc.nestedType.entries()) message(nested, name, [...path, MESSAGE.nested, index]);
    for (const [index, nested] of desc.enumType.entries()) enumeration(nested, name, [...path, MESSAGE.enum, index]);
  };
  for (const [index, desc] of file.messageType.entries()) message(desc, file.package, [FILE.message, index]);
  for (const [index, desc] of file.enumType.entries()) enumeration(desc, file.package, [FILE.enum, index]);
  for (const [index, service] of file.service.entries()) {
    const name = `${file.package}.${service.name}`;
    note(name, [FILE.service, index]);
    for (const [at, method] of service.method.entries()) note(`${name}.${method.name}`, [FILE.service, index, METHOD, at]);
  }
  return comments;
}
