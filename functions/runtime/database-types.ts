/**
 * How PostgreSQL's values look here. timestamptz: RFC 3339 in UTC with milliseconds, as a string, which is what answers hold.
 * date: "YYYY-MM-DD". numeric and int8: strings, because a double can't hold them. jsonb: parsed. bytea: Buffer. text[] and uuid[]: string[].
 * float8, int4 and the like: numbers. Parameters may be given in the same forms.
 */
export const databaseTypes = {
  instant: { to: 1184, from: [1184], serialize: asGivenOrIso, parse: parseInstant },
  date: { to: 1082, from: [1082, 1114], serialize: asGivenOrIso, parse: (value: string) => value },
  texts: { to: 1009, from: [1009, 1015, 2951], serialize: arrayLiteral, parse: parseArrayLiteral },
};

function asGivenOrIso(value: string | Date): string {
  return value instanceof Date ? value.toISOString() : value;
}

/** "2024-05-01 10:20:30.12+00" → "2024-05-01T10:20:30.120Z". Sessions are in UTC; any other zone is turned to it. */
export function parseInstant(value: string): string {
  if (!value.endsWith('+00') || value[10] !== ' ') {
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? value : date.toISOString();
  }
  const time = value.slice(11, -3);
  return `${value.slice(0, 10)}T${time.length === 8 ? `${time}.000` : time.slice(0, 12).padEnd(12, '0')}Z`;
}

/** ["a", "b\"c"] → {"a","b\"c"}. A text that already is a literal stays. */
export function arrayLiteral(values: readonly string[] | string): string {
  if (typeof values === 'string') return values;
  return `{${values.map((value) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`;
}

/** {a,"b c",NULL} → ["a", "b c", null]. One dimension, which is what our columns have. */
export function parseArrayLiteral(literal: string): (string | null)[] {
  const values: (string | null)[] = [];
  const element = /"((?:[^"\\]|\\.)*)"|([^,{}"]+)/gs;
  for (const [, quoted, bare] of literal.matchAll(element)) {
    if (quoted !== undefined) values.push(quoted.replace(/\\(.)/gs, '$1'));
    else values.push(bare === 'NULL' ? null : (bare as string));
  }
  return values;
}
