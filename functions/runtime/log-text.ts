const outsideLengthMax = 256;

const needsEscape = /[^ !#-[\]-~]/;
const notAscii = /[^\x20-\x7e]/g;
const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The inside of a JSON string. Lines are ASCII, so that characters are bytes and no terminal or encoding can break one. */
export const escaped = (text: string): string =>
  needsEscape.test(text) ? JSON.stringify(text).slice(1, -1).replace(notAscii, escapeUnit) : text;
/** What comes from outside, and no more of it than a line should hold. */
export const bounded = (text: string): string => (text.length > outsideLengthMax ? text.slice(0, outsideLengthMax) : text);
/** A value as JSON, in ASCII. */
export const json = (value: unknown): string => JSON.stringify(value).replace(notAscii, escapeUnit);
