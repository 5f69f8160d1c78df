import { type NewRecord, parseNewRecord } from '../../../functions/records/record.ts';
import { Record as RecordMessage } from '../../../proto/generated/records.ts';
import { readCollection, sampleFile, toRecord } from '../../demo/collection.ts';
import { type Artist, artistOf, type Label, labelOf, titleOf } from './names.ts';
import { Random } from './random.ts';

/** What all copies of a release have in common. */
export type Release = Pick<
  NewRecord,
  | 'artist'
  | 'name'
  | 'aliases'
  | 'format'
  | 'label'
  | 'label_code'
  | 'catalog_number'
  | 'release_year'
  | 'release_date'
  | 'pressing_year'
  | 'media'
  | 'discogs_release_id'
>;

const RELEASE = 3;
const artistsMax = 90_000;
const labelsMax = 7_000;

/** Formats as Discogs writes them, how often, and the carriers they are. */
const formats: readonly {
  share: number;
  text: string;
  count: number;
  kind: 'VINYL' | 'CD' | 'CASSETTE';
  sizeInch: number;
  speedRpm: number;
}[] = [
  { share: 40, text: 'LP, Album', count: 1, kind: 'VINYL', sizeInch: 12, speedRpm: 33 },
  { share: 12, text: 'LP, Album, RE', count: 1, kind: 'VINYL', sizeInch: 12, speedRpm: 33 },
  { share: 5, text: '2xLP, Album, Gat', count: 2, kind: 'VINYL', sizeInch: 12, speedRpm: 33 },
  { share: 4, text: 'LP, Comp', count: 1, kind: 'VINYL', sizeInch: 12, speedRpm: 33 },
  { share: 14, text: '7", Single', count: 1, kind: 'VINYL', sizeInch: 7, speedRpm: 45 },
  { share: 6, text: '12", Maxi', count: 1, kind: 'VINYL', sizeInch: 12, speedRpm: 45 },
  { share: 1, text: '10", EP', count: 1, kind: 'VINYL', sizeInch: 10, speedRpm: 33 },
  { share: 1, text: 'Shellac, 10"', count: 1, kind: 'VINYL', sizeInch: 10, speedRpm: 78 },
  { share: 14, text: 'CD, Album', count: 1, kind: 'CD', sizeInch: 0, speedRpm: 0 },
  { share: 3, text: 'Cass, Album', count: 1, kind: 'CASSETTE', sizeInch: 0, speedRpm: 0 },
];
const formatShares = formats.flatMap((format) => Array.from({ length: format.share }, () => format));

const kept = { artists: new Map<number, Artist>(), labels: new Map<number, Label>() };
const remembered = <T>(map: Map<number, T>, number: number, make: (number: number) => T): T => {
  const found = map.get(number);
  if (found !== undefined) return found;
  const made = make(number);
  map.set(number, made);
  return made;
};

let sample: readonly Release[] | undefined;
/** The records of db/sample, which are real ones: the first of the catalogue, and so the ones that most people own. */
const sampleReleases = (): readonly Release[] =>
  readCollection(sampleFile).map((row) => {
    const record = parseNewRecord({ record: RecordMessage.fromPartial(toRecord(row)) }, new Date());
    const { artist, name, aliases, format, label, label_code, catalog_number, release_year, release_date, pressing_year, media } = record;
    return {
      ...{ artist, name, aliases, format, label, label_code, catalog_number, release_year, release_date, pressing_year, media },
      discogs_release_id: record.discogs_release_id,
    };
  });

/** The release of a number, the same whenever it is asked. The catalogue has no end; low numbers are meant for the popular ones. */
export function releaseOf(number: number): Release {
  sample ??= sampleReleases();
  return sample[number] ?? madeRelease(number);
}

function madeRelease(number: number): Release {
  const random = new Random(RELEASE, number);
  const artist = remembered(kept.artists, random.skewed(artistsMax, 2.2), artistOf);
  const label = remembered(kept.labels, random.skewed(labelsMax, 2.5), labelOf);
  const { text, count, kind, sizeInch, speedRpm } = random.pick(formatShares);
  const year = yearOf(random, kind);
  const reissued = random.chance(0.15);
  return {
    artist: artist.name,
    name: titleOf(random, artist),
    aliases: artist.aliases,
    format: text,
    label: label.name,
    label_code: label.code,
    catalog_number: random.chance(0.03) ? 'none' : label.number(random),
    release_year: random.chance(0.06) ? null : year,
    release_date: random.chance(0.1) ? dateIn(random, year) : null,
    pressing_year: reissued ? Math.min(2025, year + random.below(30)) : null,
    media: Array.from({ length: count }, (_, index) => ({ index: index + 1, kind, sizeInch, speedRpm, discGrade: '', sides: [] })),
    discogs_release_id: 1000 + ((number * 7) % 34_000_000),
  };
}

const yearOf = (random: Random, kind: string): number => {
  const first = kind === 'CD' ? 1984 : kind === 'CASSETTE' ? 1970 : 1952;
  return Math.min(2025, Math.max(first, Math.round(1979 + 12 * random.normal() + (kind === 'CD' ? 18 : 0))));
};

/** A day that every month has. */
const dateIn = (random: Random, year: number): string =>
  `${year}-${String(1 + random.below(12)).padStart(2, '0')}-${String(1 + random.below(28)).padStart(2, '0')}`;
