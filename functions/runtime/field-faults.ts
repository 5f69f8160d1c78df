import type { Field } from './contract.ts';
import type { Violation } from './refusal.ts';

/** Violations of one request are listed up to this many; nobody mends more at once. */
export const violationsMax = 100;

/**
 * Every reason that the runtime gives for a fault of a field, in both dialects, with its public sentence. Reasons are
 * stable: clients switch on them. A domain adds its own (NOT_A_GRADE …). The docs are made from this table.
 */
export const fieldFaults = {
  REQUIRED: 'Is required.',
  TOO_LONG: 'Has more characters than the field takes.',
  TOO_SHORT: 'Has fewer characters than the field needs.',
  TOO_MANY: 'Has more entries than the field takes.',
  OUT_OF_RANGE: 'Is a number outside the field’s range.',
  NOT_FINITE: 'Must be a finite number.',
  NOT_A_UUID: 'Must be a UUID (8-4-4-4-12 hexadecimal digits).',
  NOT_STORABLE: 'Holds a NUL character or half of a surrogate pair, which text cannot hold here.',
  UNKNOWN_VALUE: 'Is none of the field’s values.',
  UNKNOWN_FIELD: 'There is no such field.',
  UNKNOWN_MASK_PATH: 'Names no field that can be changed; "*" stands alone.',
  DUPLICATE_FIELD: 'Is given twice.',
  WRONG_TYPE: 'Has the wrong type.',
  TOO_DEEP: 'Is nested too deeply.',
} as const;

export type FieldFault = keyof typeof fieldFaults;

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

const typeNames = {
  string: 'a string',
  bool: 'true or false',
  int32: 'a whole number',
  double: 'a number',
  enum: 'the name of a value',
  message: 'an object',
  mask: 'a string of field names with commas between them',
  bytes: 'a string in base64',
} as const;

function rangeOf(field: Field): string {
  const min = field.valueMin ?? (field.kind === 'int32' ? INT32_MIN : undefined);
  const max = field.valueMax ?? (field.kind === 'int32' ? INT32_MAX : undefined);
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `from ${min} to ${max}`;
}

/** The table's sentence, with the field's own limit where there is one. It never repeats what the client sent. */
function sentence(reason: FieldFault, field: Field | undefined, inList: boolean): string {
  if (field === undefined) return fieldFaults[reason];
  switch (reason) {
    case 'TOO_LONG':
      return `Must have at most ${field.lengthMax} characters.`;
    case 'TOO_SHORT':
      return field.lengthMin === 1 ? 'Must not be empty.' : `Must have at least ${field.lengthMin} characters.`;
    case 'TOO_MANY':
      return `Must have at most ${field.itemsMax} entries.`;
    case 'OUT_OF_RANGE':
      return `Must be ${rangeOf(field)}.`;
    case 'UNKNOWN_VALUE':
      return `Must be one of ${field.values?.join(', ')}.`;
    case 'WRONG_TYPE':
      return `Must be ${field.repeated && !inList ? 'a list' : typeNames[field.kind]}.`;
    default:
      return fieldFaults[reason];
  }
}

/** @param inList the fault is one entry's, not the list's */
export const fieldFault = (reason: FieldFault, path: Violation['path'], field?: Field, inList = false): Violation => ({
  path,
  reason,
  says: sentence(reason, field, inList),
});
