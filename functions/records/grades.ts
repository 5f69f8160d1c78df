/** Grades of condition, best to worst, as collectors and shops write them (Goldmine's scale with its steps). */
export const grades = ['M', 'NM', 'NM-', 'EX+', 'EX', 'EX-', 'VG+', 'VG', 'VG-', 'G+', 'G', 'G-', 'F', 'P'] as const;

export type Grade = (typeof grades)[number];

/** What stands for one grade besides its own letters. Longer names come before the ones they contain. */
const words: readonly (readonly [RegExp, string])[] = [
  [/NEAR[\s-]*MINT/g, 'NM'],
  [/VERY[\s-]*GOOD/g, 'VG'],
  [/EXCELLENT/g, 'EX'],
  [/MINT/g, 'M'],
  [/GOOD/g, 'G'],
  [/FAIR/g, 'F'],
  [/POOR/g, 'P'],
  [/PLUS/g, '+'],
  [/MINUS/g, '-'],
];

/** Other spellings of whole grades: Discogs' M- is near mint, British shops write E for excellent. */
const synonyms: Readonly<Record<string, Grade>> = { 'M-': 'NM', MNM: 'NM', E: 'EX', 'E+': 'EX+', 'E-': 'EX-' };

const known = new Set<string>(grades);

/**
 * Reads a grade leniently: case, spacing, dashes of any kind, words ("very good plus") and Discogs' doubled form
 * ("Near Mint (NM or M-)") all lead to the canonical one.
 * @returns undefined where the text is no grade, or names two different ones.
 */
export function parseGrade(text: string): Grade | undefined {
  if (read.has(text)) return read.get(text);
  const grade = parseAnew(text);
  if (read.size < readMax && text.length <= 40) read.set(text, grade);
  return grade;
}

/** A collection says the same few words again and again. */
const read = new Map<string, Grade | undefined>();
const readMax = 500;

function parseAnew(text: string): Grade | undefined {
  const parts = text
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .split(/[()/]|\bOR\b/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const found = new Set(parts.map(parseOne));
  const [grade] = found;
  return found.size === 1 ? grade : undefined;
}

function parseOne(text: string): Grade | undefined {
  let short = text;
  for (const [word, sign] of words) short = short.replace(word, sign);
  short = short.replace(/[\s.]+/g, '');
  if (known.has(short)) return short as Grade;
  return Object.hasOwn(synonyms, short) ? synonyms[short] : undefined;
}

/** The worst of some grades; undefined where there are none. */
export function worstGrade(some: Iterable<Grade>): Grade | undefined {
  let worst = -1;
  for (const grade of some) worst = Math.max(worst, grades.indexOf(grade));
  return grades[worst];
}

/** What a client is told whose grade is none. */
export const saysGrades = `Must be a grade: ${grades.join(', ')}, or its name ("Near Mint", "VG plus").`;
