/** What the euro replaced (ISO 4217, list three): collections remember what was paid then. */
const replaced = [
  'ATS',
  'BEF',
  'CYP',
  'DEM',
  'EEK',
  'ESP',
  'FIM',
  'FRF',
  'GRD',
  'IEP',
  'ITL',
  'LTL',
  'LUF',
  'LVL',
  'MTL',
  'NLG',
  'PTE',
  'SIT',
  'SKK',
];

let known: Set<string> | undefined;

/**
 * A currency by its ISO 4217 code, in either case.
 * @returns the code in upper case, or undefined where there is no such currency.
 */
export function parseCurrency(text: string): string | undefined {
  known ??= new Set([...Intl.supportedValuesOf('currency'), ...replaced]); // 4 ms, so not before the first price
  const code = text.trim().toUpperCase();
  return known.has(code) ? code : undefined;
}
