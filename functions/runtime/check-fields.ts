import type { Field, Shape } from './contract.ts';
import { type FieldFault, fieldFault, violationsMax } from './field-faults.ts';
import { refuse, type Violation } from './refusal.ts';

type Message = Record<string, unknown>;

/** Fields that a client sets; the others were cleared when the message was read. */
const plans = new WeakMap<Shape, readonly Field[]>();

function planOf(shape: Shape): readonly Field[] {
  const known = plans.get(shape);
  if (known !== undefined) return known;
  // A bool can be only wrong by its absence.
  const plan = shape.fields.filter((field) => !field.outputOnly && (field.kind !== 'bool' || field.required));
  plans.set(shape, plan);
  return plan;
}

const none: readonly never[] = [];

/** One message being checked. */
class Checking {
  readonly callerId: string;
  readonly path: (string | number)[] = [];
  violations: Violation[] | undefined;
  foreign = false;

  constructor(callerId: string) {
    this.callerId = callerId;
  }

  fault(reason: FieldFault, field: Field, name: string | undefined): void {
    this.violations ??= [];
    if (this.violations.length < violationsMax)
      this.violations.push(fieldFault(reason, name === undefined ? [...this.path] : [...this.path, name], field, name === undefined));
  }
}

/** Unicode code points; a string has at most as many as UTF-16 units and at least half of them. */
function codePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00) {
      count--;
      index++;
    }
  }
  return count;
}

/** By character code: 1 for a hex digit, of either case. */
const hexDigits = new Uint8Array(128);
for (const digit of '0123456789abcdefABCDEF') hexDigits[digit.charCodeAt(0)] = 1;
const dash = 45;

/** RFC 9562, section 4; of any version and in either case. */
export function isUuid(text: string): boolean {
  if (text.length !== 36) return false;
  let digits = 0;
  for (let index = 0; index < 36; index++) {
    const code = text.charCodeAt(index);
    if (code === dash) {
      if (index !== 8 && index !== 13 && index !== 18 && index !== 23) return false;
    } else if (code < 128) digits += hexDigits[code] as number;
  }
  return digits === 32;
}

function faultOfText(field: Field, text: string, checking: Checking): FieldFault | undefined {
  const fault = field.format === 'uuid' && isUuid(text) ? undefined : faultOfCharacters(field, text);
  if (fault === undefined && field.caller && text !== checking.callerId && text.toLowerCase() !== checking.callerId)
    checking.foreign = true;
  return fault;
}

function faultOfCharacters({ lengthMin, lengthMax, format }: Field, text: string): FieldFault | undefined {
  // Half a surrogate pair cannot be UTF-8, and PostgreSQL has no NUL in text.
  if (!text.isWellFormed() || text.includes('\0')) return 'NOT_STORABLE';
  if (lengthMax !== undefined && text.length > lengthMax && (text.length > 2 * lengthMax || codePoints(text) > lengthMax))
    return 'TOO_LONG';
  if (lengthMin !== undefined && text.length < 2 * lengthMin && codePoints(text) < lengthMin) return 'TOO_SHORT';
  return format === 'uuid' ? 'NOT_A_UUID' : undefined;
}

function faultOfNumber(field: Field, number: number): FieldFault | undefined {
  // On the gRPC wire a double may be NaN.
  if (!Number.isFinite(number)) return 'NOT_FINITE';
  const { valueMin, valueMax } = field;
  return (valueMin !== undefined && number < valueMin) || (valueMax !== undefined && number > valueMax) ? 'OUT_OF_RANGE' : undefined;
}

/** @param name undefined for an entry of a list, whose place is at the end of the path already */
function checkValue(field: Field, value: unknown, checking: Checking, name: string | undefined): void {
  let fault: FieldFault | undefined;
  if (field.kind === 'string') fault = faultOfText(field, value as string, checking);
  else if (field.kind === 'int32' || field.kind === 'double') fault = faultOfNumber(field, value as number);
  // What ts-proto makes of a number that it doesn't know.
  else if (field.kind === 'enum') fault = value === 'UNRECOGNIZED' ? 'UNKNOWN_VALUE' : undefined;
  else if (field.kind === 'message') {
    if (name !== undefined) checking.path.push(name);
    checkMessage((field.message as () => Shape)(), value as Message, checking);
    if (name !== undefined) checking.path.pop();
  }
  if (fault !== undefined) checking.fault(fault, field, name);
}

/** A plain field at its zero value is one that was not given (proto3); so is an optional one that is undefined. */
function isAbsent(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  if (field.optional) return false;
  return value === '' || value === 0 || value === false || (field.kind === 'enum' && value === field.values?.[0]);
}

function checkMessage(shape: Shape, message: Message, checking: Checking): void {
  for (const field of planOf(shape)) {
    const value = message[field.json];
    if (field.repeated || field.kind === 'mask') {
      const list = (value ?? none) as readonly unknown[];
      if (list.length === 0) {
        if (field.required) checking.fault('REQUIRED', field, field.name);
        continue;
      }
      // What is too many is not looked at one by one.
      if (field.itemsMax !== undefined && list.length > field.itemsMax) {
        checking.fault('TOO_MANY', field, field.name);
        continue;
      }
      if (field.kind === 'mask' || field.kind === 'bool') continue;
      checking.path.push(field.name, 0);
      for (let index = 0; index < list.length; index++) {
        checking.path[checking.path.length - 1] = index;
        checkValue(field, list[index], checking, undefined);
      }
      checking.path.length -= 2;
    } else if (isAbsent(field, value)) {
      if (field.required) checking.fault('REQUIRED', field, field.name);
    } else checkValue(field, value, checking, field.name);
  }
}

/**
 * Checks a request message against the limits of the contract (platform.rule, google.api.field_behavior), whichever
 * dialect it came in: required, lengths in code points, entries, bounds, UUIDs, text that PostgreSQL can hold.
 * @param callerId the verified caller's id, lower case; '' where anybody may call
 * @returns every fault, at most 100
 * @throws Refusal PERMISSION_DENIED where a `caller` field names somebody else: what a stranger sent is not commented on
 */
export function checkFields(shape: Shape, message: object, callerId = ''): readonly Violation[] {
  const checking = new Checking(callerId);
  checkMessage(shape, message as Message, checking);
  if (checking.foreign) throw refuse('PERMISSION_DENIED');
  return checking.violations ?? none;
}
