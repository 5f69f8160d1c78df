/**
 * An exact price: at most 12 digits before the point and 2 after it, never a sign or an exponent.
 * @returns the canonical form with two decimals ("12.50"), or undefined where the text is none.
 */
export function parsePrice(text: string): string | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, whole = '', cents = ''] = match;
  return `${whole.replace(/^0+(?=\d)/, '')}.${cents.padEnd(2, '0')}`;
}

/**
 * A price as older clients send it. A double holds no cents exactly, so what is nearer to whole cents than arithmetic could bring it
 * (0.1 + 0.2) is these cents; what is not (12.345) is no price. Up to 12 digits and 2 decimals each price is a double of its own.
 */
export function priceOfDouble(value: number): string | undefined {
  if (!(value >= 0 && value < 1e12)) return undefined;
  const text = Math.abs(value).toFixed(2);
  const noise = Math.max(1e-9, value * 4 * Number.EPSILON);
  return Math.abs(Number(text) - value) <= noise ? parsePrice(text) : undefined;
}
