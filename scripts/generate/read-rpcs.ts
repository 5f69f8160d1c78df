import {
  type DescExtension,
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { Field, FieldKind, HttpRule, Rpc, Shape } from '../../functions/runtime/contract.ts';
import type { ContractImage } from './contract-image.ts';

/** One package of the contract, as data. */
export interface ContractPackage {
  /** "records" */
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: rpcs of every type
  readonly rpcs: readonly Rpc<any, any>[];
  /** Every message that an rpc needs, in the order of the .proto file. */
  readonly shapes: readonly Shape[];
}

/** platform.Rule as the registry gives it. */
interface Rule {
  lengthMin: number;
  lengthMax: number;
  itemsMax: number;
  valueMin?: number;
  valueMax?: number;
  caller: boolean;
  header: string;
  queryAlias: string;
  format: string;
}

type Extensions = [DescExtension, DescExtension, DescExtension, DescExtension, DescExtension, DescExtension, DescExtension];

/** platform.Media as the registry gives it. */
interface Media {
  type: string;
  extension: string;
}

/** google.api.HttpRule as the registry gives it. */
interface Http {
  pattern: { case: string; value: string };
  body: string;
  responseBody: string;
  additionalBindings: Http[];
}

const scalars: Partial<Record<ScalarType, FieldKind>> = {
  [ScalarType.STRING]: 'string',
  [ScalarType.BOOL]: 'bool',
  [ScalarType.INT32]: 'int32',
  [ScalarType.DOUBLE]: 'double',
  [ScalarType.BYTES]: 'bytes',
};

/** "GetRecord" → "get-record", "SearchByURL" stays readable too: "search-by-url". */
export const kebab = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();

/**
 * Reads the contract's packages from its descriptors and asserts what the runtime counts on.
 * @throws Error with every fault, each naming the rpc or field and the repair
 */
export function readPackages(image: ContractImage, own: readonly string[]): ContractPackage[] {
  const { registry } = image;
  const faults: string[] = [];
  const extension = (name: string): DescExtension => {
    const found = registry.getExtension(name);
    if (!found) throw new Error(`${name} is not declared: is platform.proto or google/api missing in proto/?`);
    return found;
  };
  const [rule, behavior, http, access, status, attachment, media] = [
    'platform.rule',
    'google.api.field_behavior',
    'google.api.http',
    'platform.access',
    'platform.success_status',
    'platform.attachment',
    'platform.media',
  ].map(extension) as Extensions;

  const shapes = new Map<string, Shape>();
  function shapeOf(message: DescMessage): Shape {
    const known = shapes.get(message.typeName);
    if (known) return known;
    const fields: Field[] = [];
    const shape: Shape = { name: message.typeName, fields };
    shapes.set(message.typeName, shape); // before its fields: messages may hold themselves
    const masks = message.fields.filter((field) => kindOf(field) === 'mask');
    if (masks.length > 0 && message.fields.filter((field) => field.fieldKind === 'message' && kindOf(field) === 'message').length !== 1)
      faults.push(`${masks[0]}: a mask speaks of the one message beside it; ${message.typeName} has none, or several`);
    for (const field of message.fields) {
      const read = fieldOf(field);
      if (read) fields.push(read);
    }
    return shape;
  }

  function kindOf(field: DescField): FieldKind | undefined {
    const scalar = field.fieldKind === 'scalar' ? field.scalar : field.fieldKind === 'list' ? field.scalar : undefined;
    if (scalar !== undefined) return scalars[scalar];
    if (field.enum) return 'enum';
    if (field.message) return field.message.typeName === 'google.protobuf.FieldMask' ? 'mask' : 'message';
    return undefined;
  }

  function fieldOf(field: DescField): Field | undefined {
    const kind = kindOf(field);
    if (kind === undefined || field.fieldKind === 'map' || field.oneof) {
      faults.push(
        `${field}: maps, oneofs and kinds beside string, bool, int32, double, bytes, enum and message are not read by functions/runtime/read-json.ts; choose one of these, or teach it there first`,
      );
      return undefined;
    }
    if (field.enum?.values.some((value, index) => value.number !== index))
      faults.push(`${field.enum}: its numbers must be 0, 1, 2 … without gaps, because JSON may give a number instead of a name`);
    const limits = hasOption(field, rule) ? (getOption(field, rule) as unknown as Rule) : undefined;
    const behaviors = hasOption(field, behavior) ? (getOption(field, behavior) as number[]) : [];
    const { message } = field;
    const header = limits?.header.toLowerCase();
    const named = field.enum?.values.map((value) =>
      hasOption(value, media) ? (getOption(value, media) as unknown as Media) : { type: '', extension: '' },
    );
    if ((header === 'content-type' || header === 'accept') && !named?.some(({ type }) => type !== ''))
      faults.push(`${field}: what travels in ${limits?.header} is an enum whose values have a (platform.media)`);
    return {
      name: field.name,
      json: field.jsonName,
      kind,
      ...(field.fieldKind === 'list' && { repeated: true as const }),
      ...(field.fieldKind !== 'list' &&
        kind !== 'message' &&
        kind !== 'mask' &&
        field.presence === FeatureSet_FieldPresence.EXPLICIT && { optional: true as const }),
      ...(kind === 'message' &&
        message && {
          message: (
            (shape) => () =>
              shape
          )(shapeOf(message)),
        }),
      ...(field.enum && { values: field.enum.values.map((value) => value.name) }),
      ...(named?.some(({ type }) => type !== '') && {
        mediaTypes: named.map(({ type }) => type),
        extensions: named.map(({ extension }) => extension),
      }),
      ...(behaviors.includes(2) && { required: true as const }),
      ...(behaviors.includes(3) && { outputOnly: true as const }),
      ...(limits?.caller && { caller: true as const }),
      ...(limits?.lengthMin && { lengthMin: limits.lengthMin }),
      ...(limits?.lengthMax && { lengthMax: limits.lengthMax }),
      ...(limits?.itemsMax && { itemsMax: limits.itemsMax }),
      ...(limits?.valueMin !== undefined && { valueMin: limits.valueMin }),
      ...(limits?.valueMax !== undefined && { valueMax: limits.valueMax }),
      ...(limits?.header && { header: limits.header.toLowerCase() }),
      ...(limits?.queryAlias && { queryAlias: limits.queryAlias }),
      ...(limits?.format && { format: limits.format }),
    };
  }

  function httpRules(method: DescMethod, request: Shape, response: Shape): HttpRule[] {
    if (!hasOption(method, http)) {
      faults.push(`${method}: has no (google.api.http); say its verb and path`);
      return [];
    }
    const first = getOption(method, http) as unknown as Http;
    return [first, ...first.additionalBindings].map(({ pattern, body, responseBody }) => {
      const verb = pattern.case.toUpperCase();
      if (!['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(verb))
        faults.push(`${method}: ${pattern.case} is not get, post, put, patch or delete`);
      for (const [, variable] of pattern.value.matchAll(/\{([^}]*)\}/g))
        if (request.fields.find((field) => field.name === variable)?.kind !== 'string')
          faults.push(`${method}: {${variable}} of the path is not a string field of ${request.name}`);
      if (!/^(\/([\w.~:-]+|\{\w+\}))+$/.test(pattern.value))
        faults.push(`${method}: ${pattern.value}: a variable must be one whole segment`);
      const bodyKind = body && body !== '*' ? request.fields.find((field) => field.name === body)?.kind : undefined;
      if (method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming') {
        if (bodyKind !== 'bytes') faults.push(`${method}: a stream of requests is on HTTP one body: say which field of bytes it is`);
      } else if (body && body !== '*' && bodyKind !== 'message')
        faults.push(`${method}: body "${body}" is not a message field of ${request.name}`);
      if (method.methodKind === 'client_streaming')
        faults.push(`${method}: functions/runtime answers a stream of requests with a stream only; declare it as returns (stream …)`);
      if (responseBody && !response.fields.some((field) => field.name === responseBody))
        faults.push(`${method}: response_body "${responseBody}" is not a field of ${response.name}`);
      return {
        method: verb as HttpRule['method'],
        path: pattern.value,
        ...(body && { body }),
        ...(responseBody && { responseBody }),
      };
    });
  }

  /** JSON.stringify of ts-proto's message is proto3 JSON only for these kinds. */
  function assertStringifies(method: DescMethod, shape: Shape, seen = new Set<Shape>()): void {
    if (seen.has(shape)) return;
    seen.add(shape);
    for (const field of shape.fields) {
      if (field.kind === 'bytes' || field.kind === 'mask')
        faults.push(
          `${method}: ${shape.name}.${field.name} is ${field.kind}, which answers may not hold: JSON.stringify of it is not proto3 JSON`,
        );
      if (field.message) assertStringifies(method, field.message(), seen);
    }
  }

  const packages = own.map((fileName): ContractPackage => {
    const file = image.registry.getFile(fileName);
    if (!file) throw new Error(`${fileName} is not in proto/`);
    const name = file.proto.package;
    const rpcs = file.services.flatMap((service) =>
      service.methods.map((method): Rpc => {
        const request = shapeOf(method.input);
        const response = shapeOf(method.output);
        const rules = httpRules(method, request, response);
        // A stream of bytes is on HTTP the body as it is, and no JSON.
        const isFile =
          method.methodKind === 'server_streaming' &&
          rules.every(({ responseBody }) => response.fields.find(({ name }) => name === responseBody)?.kind === 'bytes');
        if (!isFile) assertStringifies(method, response);
        const who = hasOption(method, access) ? getOption(method, access) : 0;
        if (who !== 1 && who !== 2) faults.push(`${method}: has no (platform.access); say PUBLIC or CALLER`);
        return {
          name: method.name,
          service: service.typeName,
          path: `/${service.typeName}/${method.name}`,
          functionName: `${name}-${kebab(method.name)}`,
          access: who === 2 ? 'CALLER' : 'PUBLIC',
          successStatus: hasOption(method, status) ? (getOption(method, status) as number) : 200,
          idempotency: MethodOptions_IdempotencyLevel[method.idempotency].replace('IDEMPOTENCY_UNKNOWN', 'UNKNOWN') as Rpc['idempotency'],
          clientStreaming: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
          serverStreaming: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
          ...(hasOption(method, attachment) && { attachment: getOption(method, attachment) as string }),
          http: rules,
          request,
          response,
          codecs: () => Promise.reject(new Error('codecs are loaded from the generated files')),
        };
      }),
    );
    return {
      name,
      rpcs,
      shapes: file.messages.map((message) => shapes.get(message.typeName)).filter((shape): shape is Shape => shape !== undefined),
    };
  });
  for (const { name, rpcs, shapes: own } of packages)
    for (const shape of own)
      if (!shape.name.startsWith(`${name}.`)) faults.push(`${rpcs.length} rpcs of ${name} share ${shape.name}: packages share no messages`);
  const twice = packages.flatMap(({ rpcs }) =>
    rpcs.flatMap((rpc) => rpc.http.map((rule) => `${rule.method} ${rule.path.replace(/\{\w+\}/g, '{}')}`)),
  );
  for (const route of twice.filter((route, index) => twice.indexOf(route) !== index)) faults.push(`${route} belongs to two rpcs`);
  if (faults.length > 0) throw new Error(`The contract in proto/ cannot be generated from:\n  ${faults.join('\n  ')}`);
  return packages;
}
