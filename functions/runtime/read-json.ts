import { Buffer, isUtf8 } from 'node:buffer';
import type { Field, Shape } from './contract.ts';
import { type FieldFault, fieldFault, violationsMax } from './field-faults.ts';
import { maskTarget, normalizeMask } from './field-mask.ts';
import { refuse, type Violation } from './refusal.ts';

/** A message as ts-proto makes it: every field of its shape is there, at its zero value where it was not given. */
export type Message = Record<string, unknown>;

/** What was read, and everything that was wrong with it (at most 100 faults). */
export interface Read {
  readonly message: Message;
  readonly violations: readonly Violation[];
  /** Proto names of the fields that were given at the top, null included; those a client cannot change are left out. */
  readonly present: readonly string[];
}

/** As deep as protobuf's own parsers go. */
const DEPTH_MAX = 100;
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const none: readonly never[] = [];

/** What is known of a shape before any message is read. */
interface Plan {
  readonly fields: readonly Field[];
  /** Both spellings of each field. */
  readonly byName: ReadonlyMap<string, Field>;
  readonly base: Message;
  readonly lists: readonly string[];
  readonly target: Shape | undefined;
}

const plans = new WeakMap<Shape, Plan>();

function planOf(shape: Shape): Plan {
  const known = plans.get(shape);
  if (known !== undefined) return known;
  const plan: Plan = {
    fields: shape.fields,
    byName: new Map(
      shape.fields.flatMap((field) => [
        [field.name, field],
        [field.json, field],
      ]),
    ),
    base: Object.fromEntries(shape.fields.map((field) => [field.json, zeroOf(field)])),
    lists: shape.fields.filter((field) => field.repeated).map((field) => field.json),
    target: shape.fields.some((field) => field.kind === 'mask') ? maskTarget(shape) : undefined,
  };
  plans.set(shape, plan);
  return plan;
}

function zeroOf(field: Field): unknown {
  if (field.repeated || field.optional) return undefined;
  switch (field.kind) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'double':
      return 0;
    case 'enum':
      return field.values?.[0];
    case 'bytes':
      return Buffer.alloc(0);
    default:
      return undefined;
  }
}

/** A message with nothing in it, as ts-proto's fromPartial({}) makes it. */
function emptyMessage(plan: Plan): Message {
  const message = { ...plan.base };
  for (const name of plan.lists) message[name] = [];
  return message;
}

/** One value being read: where we are in it, and what was wrong so far. */
class Reading {
  readonly path: (string | number)[];
  violations: Violation[] | undefined;

  constructor(at: Violation['path']) {
    this.path = [...at];
  }

  /** Notes a fault of `field` (or of an unknown one, by the client's name for it); the value counts as not given. */
  fault(reason: FieldFault, field: Field | undefined, name?: string, inList = false): undefined {
    this.violations ??= [];
    if (this.violations.length >= violationsMax) return;
    this.violations.push(fieldFault(reason, name === undefined ? [...this.path] : [...this.path, name], field, inList));
  }
}

/** A number of JSON's own grammar in a string, as proto3 JSON admits it; NaN for anything else. */
function numberIn(text: string): number {
  if (text === '' || text.trim() !== text) return Number.NaN;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'number' ? value : Number.NaN;
  } catch {
    return Number.NaN;
  }
}

/** One value that is not a list. @returns undefined where it was at fault, which has then been noted. */
function readValue(field: Field, value: unknown, plan: Plan, reading: Reading, depth: number, name: string | undefined): unknown {
  const inList = name === undefined;
  switch (field.kind) {
    case 'string':
      return typeof value === 'string' ? value : reading.fault('WRONG_TYPE', field, name, inList);
    case 'bool':
      return typeof value === 'boolean' ? value : reading.fault('WRONG_TYPE', field, name, inList);
    case 'int32': {
      const number = typeof value === 'string' ? numberIn(value) : value;
      if (typeof number !== 'number' || (!Number.isInteger(number) && Math.abs(number) !== Number.POSITIVE_INFINITY))
        return reading.fault('WRONG_TYPE', field, name, inList);
      return number >= INT32_MIN && number <= INT32_MAX
        ? number | 0 /* -0 becomes 0 */
        : reading.fault('OUT_OF_RANGE', field, name, inList);
    }
    case 'double': {
      if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return reading.fault('NOT_FINITE', field, name, inList);
      const number = typeof value === 'string' ? numberIn(value) : value;
      if (typeof number !== 'number' || Number.isNaN(number)) return reading.fault('WRONG_TYPE', field, name, inList);
      return Number.isFinite(number) ? number : reading.fault('NOT_FINITE', field, name, inList); // 1e400
    }
    case 'enum': {
      const values = field.values ?? none;
      if (typeof value === 'string') return values.includes(value) ? value : reading.fault('UNKNOWN_VALUE', field, name, inList);
      // The generator asserts that an enum's numbers are its indexes.
      if (typeof value === 'number') return values[value] ?? reading.fault('UNKNOWN_VALUE', field, name, inList);
      return reading.fault('WRONG_TYPE', field, name, inList);
    }
    case 'bytes': {
      // RFC 4648: both alphabets, padded or not.
      if (typeof value !== 'string' || !/^[\w+/-]*={0,2}$/.test(value)) return reading.fault('WRONG_TYPE', field, name, inList);
      return Buffer.from(value, 'base64');
    }
    case 'mask': {
      if (typeof value !== 'string') return reading.fault('WRONG_TYPE', field, name, inList);
      const violations = reading.violations ?? [];
      const mask = normalizeMask(value === '' ? none : value.split(','), plan.target, [...reading.path, field.name], violations);
      if (violations.length > 0) reading.violations = violations;
      return mask;
    }
    case 'message': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return reading.fault('WRONG_TYPE', field, name, inList);
      if (depth >= DEPTH_MAX) return reading.fault('TOO_DEEP', field, name, inList);
      const shape = field.message?.() as Shape;
      if (name !== undefined) reading.path.push(name);
      const message = readMessage(planOf(shape), value as Message, reading, depth + 1);
      if (name !== undefined) reading.path.pop();
      return message;
    }
  }
}

function readList(field: Field, value: unknown, plan: Plan, reading: Reading, depth: number): unknown[] | undefined {
  if (!Array.isArray(value)) return reading.fault('WRONG_TYPE', field, field.name);
  const list: unknown[] = [];
  reading.path.push(field.name, 0);
  for (let index = 0; index < value.length; index++) {
    reading.path[reading.path.length - 1] = index;
    const read = readValue(field, value[index], plan, reading, depth, undefined);
    // An entry at fault keeps its place, so that the faults of later ones point at what the client sent.
    list.push(
      read === undefined
        ? field.kind === 'message'
          ? emptyMessage(planOf((field.message as () => Shape)()))
          : zeroOf({ ...field, repeated: undefined })
        : read,
    );
  }
  reading.path.length -= 2;
  return list;
}

function readMessage(plan: Plan, value: Message, reading: Reading, depth: number): Message {
  const message = emptyMessage(plan);
  for (const key in value) {
    const field = plan.byName.get(key);
    if (field === undefined) {
      reading.fault('UNKNOWN_FIELD', undefined, key.slice(0, 128));
      continue;
    }
    if (field.outputOnly) continue;
    if (key !== field.json && Object.hasOwn(value, field.json)) {
      reading.fault('DUPLICATE_FIELD', field, field.name);
      continue;
    }
    const given = value[key];
    if (given === null) continue; // proto3 JSON: null is "not set"
    const read = field.repeated ? readList(field, given, plan, reading, depth) : readValue(field, given, plan, reading, depth, field.name);
    if (read !== undefined) message[field.json] = read;
  }
  return message;
}

/**
 * Reads parsed JSON as a message, strictly: proto3 JSON in both spellings, with every fault listed. A field that is at
 * fault counts as not given. Output-only fields are skipped. Lengths and bounds are not looked at here: checkFields
 * does that for both dialects.
 * @param at where the value is in the request, when it is a field of it
 */
export function readJson(shape: Shape, value: unknown, at: Violation['path'] = none): Read {
  const plan = planOf(shape);
  const reading = new Reading(at);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { message: emptyMessage(plan), violations: [{ ...fieldFault('WRONG_TYPE', at), says: 'Must be an object.' }], present: none };
  const message = readMessage(plan, value as Message, reading, 1);
  const present: string[] = [];
  for (const key in value) {
    const field = plan.byName.get(key);
    if (field !== undefined && !field.outputOnly && !field.caller && !present.includes(field.name)) present.push(field.name);
  }
  return { message, violations: reading.violations ?? none, present };
}

/** application/x-www-form-urlencoded, but strict: what does not decode to UTF-8 is refused instead of replaced. */
function decodePart(part: string): string {
  if (!part.includes('%') && !part.includes('+')) return part;
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    throw refuse('MALFORMED_BODY');
  }
}

/**
 * Reads query parameters as fields of the request: both spellings and the alias, a repeated parameter for a list.
 * Fields that travel in the path, the body or a header, and messages, are no query parameters.
 * @param query what follows "?", still encoded
 * @param skip proto names of the fields that the path and the body carry
 * @throws Refusal MALFORMED_BODY where it is not percent-encoded UTF-8
 */
export function readQuery(shape: Shape, query: string | URLSearchParams, skip: readonly string[] = none): Read {
  const plan = planOf(shape);
  const message = emptyMessage(plan);
  const text = typeof query === 'string' ? query : query.toString();
  if (text === '') return { message, violations: none, present: none };
  const reading = new Reading(none);
  const present: string[] = [];
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = decodePart(equals < 0 ? pair : pair.slice(0, equals));
    const given = equals < 0 ? '' : decodePart(pair.slice(equals + 1));
    const field = plan.byName.get(key) ?? plan.fields.find((candidate) => candidate.queryAlias === key);
    if (field === undefined || field.kind === 'message' || field.header !== undefined || skip.includes(field.name)) {
      reading.fault('UNKNOWN_FIELD', undefined, key.slice(0, 128));
      continue;
    }
    if (field.outputOnly) continue;
    const value = field.kind === 'bool' && (given === 'true' || given === 'false') ? given === 'true' : given;
    if (field.repeated) {
      const list = message[field.json] as unknown[];
      reading.path.push(field.name, list.length);
      list.push(readValue(field, value, plan, reading, 1, undefined));
      reading.path.length -= 2;
    } else if (present.includes(field.name)) {
      reading.fault('DUPLICATE_FIELD', field, field.name);
    } else {
      const read = readValue(field, value, plan, reading, 1, field.name);
      if (read !== undefined) message[field.json] = read;
    }
    if (!present.includes(field.name)) present.push(field.name);
  }
  return { message, violations: reading.violations ?? none, present };
}

/**
 * Parses a request body as JSON (RFC 8259): one object in UTF-8 without a byte order mark, and nothing after it.
 * @throws Refusal MALFORMED_BODY; the parser's own words hold pieces of the body, so they are not kept
 */
export function readBody(bytes: Uint8Array): object {
  if (!isUtf8(bytes)) throw refuse('MALFORMED_BODY');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    throw refuse('MALFORMED_BODY');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('MALFORMED_BODY');
  return value;
}
