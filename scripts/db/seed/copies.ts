import type { Grade } from '../../../functions/records/grades.ts';
import { sideLetters } from '../../../functions/records/media.ts';
import type { NewRecord } from '../../../functions/records/record.ts';
import type { Random } from './random.ts';
import { releaseOf } from './releases.ts';

/** Worst to best would be wrong here: the common ones first, as collections have them. */
const gradesByFrequency: readonly Grade[] = ['VG+', 'NM', 'EX', 'VG', 'NM-', 'EX-', 'EX+', 'M', 'VG-', 'G+', 'G', 'G-', 'F', 'P'];
const order: readonly Grade[] = ['M', 'NM', 'NM-', 'EX+', 'EX', 'EX-', 'VG+', 'VG', 'VG-', 'G+', 'G', 'G-', 'F', 'P'];
/** Units for one euro, roughly, and how often somebody paid in it. */
const currencies: readonly { readonly code: string; readonly rate: number; readonly decimals: number; readonly share: number }[] = [
  { code: 'EUR', rate: 1, decimals: 2, share: 40 },
  { code: 'USD', rate: 1.1, decimals: 2, share: 30 },
  { code: 'GBP', rate: 0.85, decimals: 2, share: 14 },
  { code: 'JPY', rate: 160, decimals: 0, share: 6 },
  { code: 'SEK', rate: 11, decimals: 0, share: 3 },
  { code: 'DEM', rate: 1.96, decimals: 2, share: 3 },
  { code: 'PLN', rate: 4.3, decimals: 2, share: 2 },
  { code: 'BRL', rate: 6, decimals: 2, share: 2 },
];
const currencyShares = currencies.flatMap((currency) => Array.from({ length: currency.share }, () => currency));
const folders = ['Uncategorized', 'Rock', 'Jazz', 'Singles', 'Electronic', 'To sell', 'Klassik', 'Été 2019', '邦楽'];
const remarks = [
  'Small split on the top seam.',
  'From the estate of a friend; plays without a crackle.',
  'Flohmarkt, 2 €. Etikett beschriftet.',
  'Cut-out corner, promo stamp on the back.',
  'Acheté à Lyon, pochette un peu jaunie.',
  '帯付き、盤面良好。',
  'Lyric sheet missing.\nSide B has a light scratch through the second song.',
  'Signed by the drummer, or so the seller said.',
];

const worst = (one: Grade | null, other: Grade): Grade => (one !== null && order.indexOf(one) > order.indexOf(other) ? one : other);
const maybe = <T>(random: Random, probability: number, value: () => T): T | null => (random.chance(probability) ? value() : null);

/**
 * One copy of a release on somebody's shelf, in the columns that the API would store.
 * @param release number of the release
 * @param random the copy's own sequence
 * @param boughtMs when, at the latest: milliseconds since 1970
 */
export function copyOf(release: number, random: Random, boughtMs: number): NewRecord {
  const { media, ...shared } = releaseOf(release);
  const grade = gradesByFrequency[random.skewed(gradesByFrequency.length, 1.8)] as Grade;
  const near = () => gradesByFrequency[random.skewed(gradesByFrequency.length, 1.8)] as Grade;
  let mediaGrade: Grade | null = null;
  const graded = random.chance(0.06)
    ? media.map((medium) => ({
        ...medium,
        sides: sideLetters(medium.index).map((letter) => {
          const own = near();
          mediaGrade = worst(mediaGrade, own);
          return { letter, grade: own };
        }),
      }))
    : media;
  const currency = random.pick(currencyShares);
  const paid = random.chance(0.55);
  const euros = Math.exp(2.7 + 0.9 * random.normal());
  const dayMs = 86_400_000;
  return {
    ...shared,
    media: graded,
    given_grade: random.chance(0.93) ? grade : null,
    media_grade: mediaGrade,
    sleeve_grade: maybe(random, 0.85, near),
    insert_grade: null,
    booklet_grade: null,
    obi_strip_grade: maybe(random, 0.01, near),
    factory_sleeve_grade: null,
    has_insert: maybe(random, 0.15, () => random.chance(0.7)),
    has_booklet: maybe(random, 0.05, () => random.chance(0.7)),
    has_obi_strip: maybe(random, 0.03, () => random.chance(0.6)),
    has_factory_sleeve: maybe(random, 0.05, () => random.chance(0.5)),
    is_promo: maybe(random, 0.04, () => true),
    notes: maybe(random, 0.08, () => random.pick(remarks)),
    purchased_at: maybe(random, 0.5, () => new Date(boughtMs - random.skewed(9000, 2) * dayMs).toISOString().slice(0, 10)),
    price: paid
      ? Math.max(currency.decimals === 0 ? 1 : 0.1, euros * currency.rate).toFixed(currency.decimals === 0 ? 0 : 2) +
        (currency.decimals === 0 ? '.00' : '')
      : null,
    currency: paid ? currency.code : null,
    collection_folder: maybe(random, 0.6, () => random.pickSkewed(folders)),
    rating: maybe(random, 0.3, () => 1 + random.below(5)),
    added_at: maybe(random, 0.4, () => new Date(boughtMs - random.below(100 * dayMs)).toISOString()),
    import_key: null,
  };
}
