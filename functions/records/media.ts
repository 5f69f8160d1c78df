import type { Medium, Side } from '../../proto/generated/records.ts';
import type { Faults, Path } from './faults.ts';
import { type Grade, parseGrade, saysGrades, worstGrade } from './grades.ts';

const sizesInch: readonly number[] = [0, 7, 10, 12];
const speedsRpm: readonly number[] = [0, 33, 45, 78];

/** What is on a record, in the order of its discs, and the worst grade that discs and sides have. */
export interface Media {
  readonly media: readonly Medium[];
  readonly grade: Grade | undefined;
}

/**
 * The letters of disc n, which go on from disc to disc: 1 has A and B, 2 has C and D, 14 has AA and AB.
 */
export const sideLetters = (disc: number): readonly [string, string] => [letter(2 * disc - 2), letter(2 * disc - 1)];

/** 0 → A, 25 → Z, 26 → AA. */
const letter = (index: number): string =>
  (index < 26 ? '' : String.fromCharCode(64 + Math.floor(index / 26))) + String.fromCharCode(65 + (index % 26));

/**
 * Reads the discs, cassettes and other carriers of a record: an index left out is the place in the list, a letter left out the next of
 * its disc. Every fault is added to `faults` with its path below `at`.
 */
export function parseMedia(given: readonly Medium[], at: Path, faults: Faults): Media {
  const indexes = new Set<number>();
  const found: Grade[] = [];
  const media = given.map((medium, place): Medium => {
    const here = [...at, place];
    const index = medium.index === 0 ? place + 1 : medium.index;
    if (indexes.has(index)) faults.add([...here, 'index'], 'DUPLICATE', 'Two media have this index; they are numbered from 1.');
    indexes.add(index);
    const isVinyl = medium.kind === 'VINYL' || medium.kind === 'OTHER' || medium.kind === 'MEDIA_KIND_UNSPECIFIED';
    if (!sizesInch.includes(medium.sizeInch))
      faults.add([...here, 'size_inch'], 'NOT_A_SIZE', 'Must be 7, 10 or 12, or 0 where it does not apply.');
    else if (!isVinyl && medium.sizeInch !== 0) faults.add([...here, 'size_inch'], 'NOT_APPLICABLE', 'Only a disc that is cut has a size.');
    if (!speedsRpm.includes(medium.speedRpm))
      faults.add([...here, 'speed_rpm'], 'NOT_A_SPEED', 'Must be 33, 45 or 78, or 0 where it does not apply.');
    else if (!isVinyl && medium.speedRpm !== 0)
      faults.add([...here, 'speed_rpm'], 'NOT_APPLICABLE', 'Only a disc that is cut has a speed.');
    const discGrade = gradeOf(medium.discGrade, [...here, 'disc_grade'], faults, found);
    const sides = parseSides(medium.sides, index, [...here, 'sides'], faults, found);
    return { index, kind: medium.kind, sizeInch: medium.sizeInch, speedRpm: medium.speedRpm, discGrade, sides };
  });
  return { media: media.sort((one, other) => one.index - other.index), grade: worstGrade(found) };
}

function parseSides(given: readonly Side[], disc: number, at: Path, faults: Faults, found: Grade[]): Side[] {
  const own = sideLetters(disc);
  const seen = new Set<string>();
  const sides = given.map((side, place): Side => {
    const letter = side.letter.trim().toUpperCase() || (own[place] ?? '');
    if (!own.includes(letter)) faults.add([...at, place, 'letter'], 'NOT_A_SIDE', `Disc ${disc} has the sides ${own[0]} and ${own[1]}.`);
    else if (seen.has(letter)) faults.add([...at, place, 'letter'], 'DUPLICATE', `Side ${letter} is there already.`);
    seen.add(letter);
    return { letter, grade: gradeOf(side.grade, [...at, place, 'grade'], faults, found) };
  });
  return sides.sort((one, other) => own.indexOf(one.letter) - own.indexOf(other.letter));
}

/** A grade in a plain field, where '' is none. */
function gradeOf(text: string, at: Path, faults: Faults, found: Grade[]): string {
  if (text.trim() === '') return '';
  const grade = parseGrade(text);
  if (grade === undefined) faults.add(at, 'NOT_A_GRADE', saysGrades);
  else found.push(grade);
  return grade ?? '';
}
