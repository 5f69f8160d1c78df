/** The first records that could be played back, in a way: nothing here is older. */
export const YEAR_MIN = 1860;

/** Records are announced and pre-ordered before they are released. */
export const yearMax = (now: Date): number => now.getUTCFullYear() + 1;

export const isYear = (year: number, now: Date): boolean => Number.isInteger(year) && year >= YEAR_MIN && year <= yearMax(now);

/**
 * A day of the calendar, YYYY-MM-DD (RFC 3339, full-date), from 1860 to the end of next year.
 * @returns undefined where there is no such day: 2023-02-29.
 */
export function parseDate(text: string, now: Date): string | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null || !isYear(Number(match[1]), now)) return undefined;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) ? text : undefined;
}

/**
 * A moment as RFC 3339 writes it, with its offset, in the same years.
 * @returns the moment in UTC with milliseconds, or undefined where the text is none.
 */
export function parseTime(text: string, now: Date): string | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(text);
  if (match === null || parseDate(match[1] as string, now) === undefined) return undefined;
  // A leap second has no place in PostgreSQL or in JavaScript: it is the last moment of its minute.
  const plain = text
    .replace(' ', 'T')
    .toUpperCase()
    .replace(/:60(\.\d+)?/, ':59.999');
  const time = new Date(plain);
  return isYear(time.getUTCFullYear(), now) ? time.toISOString() : undefined;
}
