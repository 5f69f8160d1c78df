import { randomUUID } from 'node:crypto';
import type { Field, Rpc, Shape } from '../../functions/runtime/contract.ts';
import type { Message } from './requests.ts';

type Path = readonly (string | number)[];

/** A request that must be refused, alike in both dialects. */
export interface BadRequest {
  readonly name: string;
  /** The same message for both, or for the only one that can say it. */
  readonly json?: Message;
  readonly grpc?: Message;
  /** Bytes put in the place of this text, on the wire. */
  readonly instead?: { readonly text: string; readonly bytes: Uint8Array };
  /** INVALID_FIELDS, where nothing else is said. */
  readonly reason?: string;
  /** In proto names, from the request message on. */
  readonly violations?: readonly { readonly path: Path; readonly reason: string }[];
}

/** A field with the way to it: proto names, and the property names of both dialects. */
interface Place {
  readonly field: Field;
  readonly path: Path;
  readonly jsonPath: Path;
  /** How HTTP carries it. */
  readonly by: 'path' | 'header' | 'query' | 'body';
}

/** Every field of a request that a client can set, those of inner messages too; of a list, its first entry. */
function placesOf(rpc: Rpc): Place[] {
  const places: Place[] = [];
  const rule = rpc.http[0];
  const carrier = (field: Field): Place['by'] => {
    if (field.header !== undefined) return 'header';
    if (rule?.path.includes(`{${field.name}}`)) return 'path';
    return rule?.body === '*' || rule?.body === field.name ? 'body' : 'query';
  };
  const walk = (shape: Shape, path: Path, jsonPath: Path, outer: Place['by'] | undefined): void => {
    for (const field of shape.fields) {
      if (field.outputOnly) continue;
      const place = { field, path: [...path, field.name], jsonPath: [...jsonPath, field.json], by: outer ?? carrier(field) };
      places.push(place);
      const index = field.repeated ? [0] : [];
      if (field.message) walk(field.message(), [...place.path, ...index], [...place.jsonPath, ...index], place.by);
    }
  };
  walk(rpc.request, [], [], undefined);
  return places;
}

/** A copy of a message with a value at a place, and what leads there. */
export function withValue(message: Message, path: Path, value: unknown): Message {
  const copy = structuredClone(message);
  // biome-ignore lint/suspicious/noExplicitAny: messages and lists in turn
  let at: any = copy;
  for (const [index, name] of path.entries()) {
    if (index === path.length - 1) at[name] = value;
    else at = at[name] ??= typeof path[index + 1] === 'number' ? [] : {};
  }
  return copy;
}

const wrongTypes: Readonly<Record<Field['kind'], readonly unknown[]>> = {
  string: [7, true, {}, ['text']],
  bool: ['yes', 1],
  int32: ['seven', 1.5, true],
  double: ['seven', false],
  enum: [true, {}],
  message: ['text', 7, []],
  mask: [7],
  bytes: [7],
};

/** What the domain says of a value that the type of its field admits, by the field's format or its name. */
const domainFaults: readonly { readonly fits: (field: Field) => boolean; readonly value: unknown; readonly reason: string }[] = [
  { fits: ({ name }) => /(^|_)grade$/.test(name), value: 'rather good', reason: 'NOT_A_GRADE' },
  { fits: ({ format }) => format === 'date', value: '2023-02-29', reason: 'NOT_A_DATE' },
  { fits: ({ format }) => format === 'date-time', value: '2023-02-28', reason: 'NOT_A_TIME' },
  { fits: ({ format }) => format === 'decimal', value: '12.345', reason: 'NOT_A_PRICE' },
  { fits: ({ format }) => format === 'currency', value: 'XXQ', reason: 'NOT_A_CURRENCY' },
  { fits: ({ format }) => format === 'email', value: 'nobody', reason: 'NOT_AN_EMAIL' },
  { fits: ({ name }) => name === 'price_paid', value: -1, reason: 'NOT_A_PRICE' },
  { fits: ({ name }) => name.endsWith('_year'), value: 1492, reason: 'OUT_OF_RANGE' },
  { fits: ({ name }) => name === 'size_inch', value: 11, reason: 'NOT_A_SIZE' },
  { fits: ({ name }) => name === 'speed_rpm', value: 16, reason: 'NOT_A_SPEED' },
  { fits: ({ name }) => name === 'letter', value: 'Q', reason: 'NOT_A_SIDE' },
];

/** Every way in which a field of a request can be wrong, from what the contract says of it. */
export function badRequests(rpc: Rpc, good: Message): BadRequest[] {
  const shown = (path: Path): string => path.join('.');
  const cases: BadRequest[] = [];
  for (const { field, path, jsonPath, by } of placesOf(rpc)) {
    const name = shown(path);
    const at = (value: unknown, index?: number): Message => withValue(good, index === undefined ? jsonPath : [...jsonPath, index], value);
    const add = (what: string, reason: string, json: Message | undefined, grpc: Message | undefined, where: Path = path): void => {
      cases.push({ name: `${name} ${what}`, violations: [{ path: where, reason }], ...(json && { json }), ...(grpc && { grpc }) });
    };
    const both = (what: string, reason: string, value: unknown, index?: number): void =>
      add(what, reason, at(value, index), at(value, index), index === undefined ? path : [...path, index]);
    const inList = field.repeated ? 0 : undefined;
    const list = <T>(value: T): T | T[] => (field.repeated ? [value] : value);

    if (field.kind === 'string') {
      // Characters are counted as code points: each of these is two units of UTF-16 and four bytes.
      const filler = by === 'body' ? '😀' : 'x';
      if (field.lengthMax !== undefined) both('is too long', 'TOO_LONG', filler.repeat(field.lengthMax + 1), inList);
      if (field.lengthMin !== undefined && (field.optional || field.repeated)) both('is empty', 'TOO_SHORT', '', inList);
      if (field.format === 'uuid') both('is no UUID', 'NOT_A_UUID', '12345678-1234-1234-1234-12345678901x', inList);
      const nul = at('a\0b', inList);
      add('holds a NUL', 'NOT_STORABLE', by === 'header' ? undefined : nul, nul, inList === undefined ? path : [...path, 0]);
      if (by === 'body')
        add('holds half a character', 'NOT_STORABLE', at('a\ud800', inList), undefined, inList === undefined ? path : [...path, 0]);
      if (by === 'body') {
        const marker = at('~PLACE~', inList);
        const instead = { text: '~PLACE~', bytes: Buffer.from([0x61, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x62]) };
        cases.push({ name: `${name} is not UTF-8`, reason: 'MALFORMED_BODY', json: marker, grpc: marker, instead });
      }
      if (field.caller) {
        const foreign = at(randomUUID());
        cases.push({ name: `${name} is somebody else’s`, reason: 'PERMISSION_DENIED', json: foreign, grpc: foreign });
      }
    }
    if (field.itemsMax !== undefined && field.kind !== 'mask') {
      const item = field.kind === 'message' ? {} : 'text';
      both(
        'has too many entries',
        'TOO_MANY',
        Array.from({ length: field.itemsMax + 1 }, () => item),
      );
    }
    if (field.valueMin !== undefined && (field.optional || field.valueMin <= 0)) both('is too small', 'OUT_OF_RANGE', field.valueMin - 1);
    if (field.valueMax !== undefined) both('is too large', 'OUT_OF_RANGE', field.valueMax + 1);
    if (field.kind === 'int32') add('is beyond 32 bits', 'OUT_OF_RANGE', at(2 ** 31), undefined);
    if (field.kind === 'double')
      for (const [json, grpc] of [['NaN', Number.NaN] as const, ['-Infinity', Number.NEGATIVE_INFINITY] as const])
        add(`is ${json}`, 'NOT_FINITE', at(json), at(grpc));
    // What ts-proto writes for UNRECOGNIZED is a number that no value has.
    if (field.kind === 'enum') add('is an unknown value', 'UNKNOWN_VALUE', at('SHELLAC'), at('UNRECOGNIZED'));
    if (field.kind === 'mask') {
      both('names no field', 'UNKNOWN_MASK_PATH', ['nonsense'], undefined);
      const last = cases.pop();
      cases.push({ ...last, name: `${name} names no field`, violations: [{ path: [...path, 0], reason: 'UNKNOWN_MASK_PATH' }] });
    }
    if (field.required) {
      const without = structuredClone(good);
      delete without[field.json];
      // Without it the path is another one; and a body that is the field itself has to be there.
      const sayable = by === 'body' && rpc.http[0]?.body === '*';
      add('is missing', 'REQUIRED', sayable ? without : undefined, without);
    }
    if (by === 'body' && path.length > (rpc.http[0]?.body === '*' ? 0 : 1)) {
      for (const value of wrongTypes[field.kind])
        add(`is ${JSON.stringify(value)}`, 'WRONG_TYPE', at(list(value)), undefined, inList === undefined ? path : [...path, 0]);
      if (field.repeated) add('is no list', 'WRONG_TYPE', at({}), undefined);
    }
    if (by === 'query' && field.kind === 'int32') add('is no number', 'WRONG_TYPE', at('many'), undefined);
    if (field.kind === 'message') {
      const inside = [...(inList === undefined ? jsonPath : [...jsonPath, 0]), 'nonsense'];
      const where = [...(inList === undefined ? path : [...path, 0]), 'nonsense'];
      add('has an unknown field', 'UNKNOWN_FIELD', withValue(good, inside, 1), undefined, where);
    }
    for (const { fits, value, reason } of domainFaults) if (fits(field)) both('is none', reason, value);
  }
  const isWhole = rpc.http.some(({ body }) => body === '*' || body === undefined);
  if (isWhole)
    cases.push({ name: 'an unknown field', json: { ...good, nonsense: 1 }, violations: [{ path: ['nonsense'], reason: 'UNKNOWN_FIELD' }] });
  return cases;
}
