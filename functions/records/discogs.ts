import type { MediaKind, Medium } from '../../proto/generated/records.ts';

/** What Discogs writes where there is nothing to grade. */
const noGrades = new Set(['', 'Generic', 'No Cover', 'Not Graded']);

/** A condition of Discogs' list ("Near Mint (NM or M-)"), or undefined where there is none. */
export const gradeOfCondition = (cell: string): string | undefined => (noGrades.has(cell.trim()) ? undefined : cell);

/** What "Released" says: a year, a day ("1968-11-22", or "1968-11-00" where Discogs knows only the month), or nothing ("0"). */
export function releaseOf(cell: string): { year?: number; date?: string } | undefined {
  const text = cell.trim();
  if (text === '' || text === '0') return {};
  const [, year, month, day] = /^(\d{4})(?:-(\d{2})-(\d{2}))?$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  return month === undefined || month === '00' || day === '00' ? { year: Number(year) } : { year: Number(year), date: text };
}

/** "2009-04-22 08:01:43" as RFC 3339. Discogs writes no zone; it is taken for UTC, so that every import says the same. */
export const timeOfDateAdded = (cell: string): string =>
  /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,3})?$/.test(cell) ? `${cell.replace(' ', 'T')}Z` : cell;

/** RFC 3339 in UTC as Discogs writes it; fractions of a second stay where there are any. */
export const dateAddedOf = (time: string): string => time.replace('T', ' ').replace(/(?:\.000)?Z$/, '');

interface Carrier {
  readonly kind: MediaKind;
  readonly sizeInch: number;
  readonly speedRpm: number;
}

/**
 * The media that a format of Discogs names: "2xLP, Album" is two discs of 12 inch, "CD + 7"" one of each. What the format does not tell
 * stays 0; what is no carrier ("Box Set, Comp") gives none.
 */
export function mediaOfFormat(format: string): Medium[] {
  const media: Medium[] = [];
  for (const part of format.split(' + ')) {
    const words = part.split(',').map((word) => word.trim());
    const [, times, first = ''] = /^(?:(\d{1,2})x)?(.*)$/.exec(words[0] ?? '') ?? [];
    const carrier = carrierOf(first, [first, ...words.slice(1)]);
    if (carrier === undefined) continue;
    // At most as many as a record may have; a box of 30 discs is told by its format.
    for (let count = Number(times ?? 1); count > 0 && media.length < 20; count--)
      media.push({ index: media.length + 1, ...carrier, discGrade: '', sides: [] });
  }
  return media;
}

function carrierOf(name: string, words: readonly string[]): Carrier | undefined {
  const sizes = /(?:^|\s)(\d{1,2})"/.exec(words.join(' '));
  const size = sizes !== null && ['7', '10', '12'].includes(sizes[1] as string) ? Number(sizes[1]) : 0;
  const rpm = /(?:^|\s)(33|45|78)(?:\s*\u2153)?\s*RPM/i.exec(words.join(' '));
  const speed = rpm === null ? 0 : Number(rpm[1]);
  if (name === 'LP') return { kind: 'VINYL', sizeInch: size || 12, speedRpm: speed || 33 };
  if (name === 'Shellac') return { kind: 'VINYL', sizeInch: size, speedRpm: speed || 78 };
  if (name === '7"') return { kind: 'VINYL', sizeInch: 7, speedRpm: speed || 45 };
  if (size > 0 && /^\d/.test(name)) return { kind: 'VINYL', sizeInch: size, speedRpm: speed };
  if (name === 'Vinyl') return { kind: 'VINYL', sizeInch: size, speedRpm: speed };
  if (/^(CD|CDr|SACD|HDCD|Mini)$/.test(name)) return { kind: 'CD', sizeInch: 0, speedRpm: 0 };
  if (/^(Cass|Cassette)$/.test(name)) return { kind: 'CASSETTE', sizeInch: 0, speedRpm: 0 };
  return undefined;
}
