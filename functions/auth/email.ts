import type { Violation } from '../runtime/refusal.ts';

export interface Email {
  /** As it was given: what is stored and shown. */
  readonly given: string;
  /** Its normal form: two addresses with one key are one account. */
  readonly key: string;
}

const lengthMax = 254;
const localLengthMax = 64;
/** One @ with something on both sides, the right side dotless or not; no space, no control or invisible character. */
const shape = /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u;

/**
 * Reads an e-mail address: one @, at most 254 characters, at most 64 before the @ (RFC 5321, 4.5.3.1), no spaces or controls.
 * Whether anybody reads mail there, only a mail could tell. Adds NOT_AN_EMAIL at `email` to the faults.
 */
export function readEmail(given: string, faults: Violation[]): Email {
  // NFKC may widen a character into several, or into an "@": the rules hold for what is compared, and so for both forms.
  const key = given.normalize('NFKC').toLowerCase().normalize('NFKC');
  if (!isEmail(given) || !isEmail(key))
    faults.push({ path: ['email'], reason: 'NOT_AN_EMAIL', says: 'This is not an e-mail address like name@example.com.' });
  return { given, key };
}

function isEmail(text: string): boolean {
  return text.length <= lengthMax && text.indexOf('@') <= localLengthMax && shape.test(text);
}
