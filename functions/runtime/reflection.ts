import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService as V1,
} from '../../proto/generated/grpc/reflection/v1/reflection.ts';

/** The contract's descriptors, indexed when they were generated, so that a running function decodes none. */
export interface Descriptors {
  /** By file name: the exact bytes of its FileDescriptorProto in base64, and the files it imports. */
  readonly files: Readonly<Record<string, { readonly bytes: string; readonly imports: readonly string[] }>>;
  /** Full name of a service, method, message, field, enum or extension → file name. */
  readonly symbols: Readonly<Record<string, string>>;
  /** Extended message → field number → file name. */
  readonly extensions: Readonly<Record<string, Readonly<Record<number, string>>>>;
  readonly services: readonly string[];
}

/** The same messages under the older name. */
const V1Alpha = {
  serverReflectionInfo: { ...V1.serverReflectionInfo, path: '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo' },
};
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;

/**
 * grpc.reflection.v1 and v1alpha. Written here because the packages for it re-encode descriptors (our options would be
 * lost) and read .proto files at run time (which a bundle does not have).
 */
export function addReflection(server: Server, descriptors: Descriptors): void {
  const withImports = (name: string): Buffer[] => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file) || descriptors.files[file] === undefined) return;
      seen.add(file);
      descriptors.files[file].imports.forEach(visit);
    };
    visit(name);
    return [...seen].map((file) => Buffer.from(descriptors.files[file]?.bytes ?? '', 'base64'));
  };

  const answer = (question: ServerReflectionRequest): ServerReflectionResponse => {
    const reply: ServerReflectionResponse = {
      validHost: question.host,
      originalRequest: question,
      fileDescriptorResponse: undefined,
      allExtensionNumbersResponse: undefined,
      listServicesResponse: undefined,
      errorResponse: undefined,
    };
    const failure = (errorCode: number, errorMessage: string): ServerReflectionResponse => ({
      ...reply,
      errorResponse: { errorCode, errorMessage },
    });
    const file = (name: string | undefined): ServerReflectionResponse =>
      name !== undefined && Object.hasOwn(descriptors.files, name)
        ? { ...reply, fileDescriptorResponse: { fileDescriptorProto: withImports(name) } }
        : failure(NOT_FOUND, 'not found');
    const own = <T>(index: Readonly<Record<string, T>>, key: string): T | undefined => (Object.hasOwn(index, key) ? index[key] : undefined);

    if (question.listServices !== undefined) {
      return { ...reply, listServicesResponse: { service: descriptors.services.map((name) => ({ name })) } };
    }
    if (question.fileByFilename !== undefined) return file(question.fileByFilename);
    if (question.fileContainingSymbol !== undefined) return file(own(descriptors.symbols, question.fileContainingSymbol));
    if (question.fileContainingExtension !== undefined) {
      const { containingType, extensionNumber } = question.fileContainingExtension;
      return file(own(descriptors.extensions, containingType)?.[extensionNumber]);
    }
    if (question.allExtensionNumbersOfType !== undefined) {
      if (!Object.hasOwn(descriptors.symbols, question.allExtensionNumbersOfType)) return failure(NOT_FOUND, 'not found');
      return {
        ...reply,
        allExtensionNumbersResponse: {
          baseTypeName: question.allExtensionNumbersOfType,
          extensionNumber: Object.keys(own(descriptors.extensions, question.allExtensionNumbersOfType) ?? {}).map(Number),
        },
      };
    }
    return failure(UNIMPLEMENTED, 'no question was asked');
  };

  const implementation = {
    serverReflectionInfo(call: ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>) {
      call.on('data', (question: ServerReflectionRequest) => call.write(answer(question)));
      call.on('end', () => call.end());
      call.on('error', () => {});
    },
  };
  server.addService(V1, implementation);
  server.addService(V1Alpha, implementation);
}
