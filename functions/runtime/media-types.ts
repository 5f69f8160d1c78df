import type { Field } from './contract.ts';

const essenceOf = (text: string): string => (text.split(';', 1)[0] ?? '').trim().toLowerCase();

/**
 * The value of an enum field that a Content-Type names. Text is UTF-8 here, so another charset is none of them.
 * @returns undefined where it names none
 */
export function valueOfContentType(field: Field, header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(header)?.[1]?.toLowerCase();
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') return undefined;
  const index = field.mediaTypes?.indexOf(essenceOf(header)) ?? -1;
  return index < 0 || essenceOf(header) === '' ? undefined : field.values?.[index];
}

/**
 * The value of an enum field that Accept likes best (RFC 9110, section 12.5.1); among equals the first of the contract.
 * @returns undefined where none will do
 */
export function valueOfAccept(field: Field, header: string | undefined): string | undefined {
  const ranges = (header ?? '*/*').split(',').map((range) => ({
    essence: essenceOf(range),
    quality: Number(/;\s*q\s*=\s*([\d.]+)/i.exec(range)?.[1] ?? 1),
  }));
  let best: { value: string; quality: number } | undefined;
  for (const [index, type] of (field.mediaTypes ?? []).entries()) {
    if (type === '') continue;
    // The most exact range decides.
    const names = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*'];
    const quality = names.map((name) => ranges.find(({ essence }) => essence === name)?.quality).find((found) => found !== undefined) ?? 0;
    if (quality > (best?.quality ?? 0)) best = { value: field.values?.[index] as string, quality };
  }
  return best?.value;
}

/** The media type and the ending of an enum field's value. */
export function mediaOf(field: Field | undefined, value: unknown): { type: string; extension: string } {
  const named = field?.values?.indexOf(String(value)) ?? -1;
  // The zero value stands for the first that has a name.
  const index = field?.mediaTypes?.[named] ? named : (field?.mediaTypes?.findIndex((type) => type !== '') ?? -1);
  return { type: field?.mediaTypes?.[index] ?? 'application/octet-stream', extension: field?.extensions?.[index] ?? 'bin' };
}
