import { Random } from './random.ts';

export type DataSet = 'skewed' | 'heaviest';

/** An account of a data set. */
export interface SeedAccount {
  readonly id: string;
  readonly email: string;
  /** How many records it owns. */
  readonly records: number;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
}

/** By which seeded accounts are known: nobody has an address there (RFC 2606). */
export const emailDomain = 'seed.example';
/** Everything has happened before this moment: a data set doesn't depend on the day it is made. */
export const endMs = Date.UTC(2026, 9, 1);
const beginMs = Date.UTC(2019, 0, 1);

/** Accounts beside the heaviest one. */
const othersBesideHeaviest = 200;
const middlingMax = 10_000;
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/**
 * A UUIDv7 (RFC 9562): 48 bits of time, 12 bits that count within a millisecond, 62 random bits.
 * @param ms milliseconds since 1970
 */
export function uuidv7(ms: number, counter: number, random: Random): string {
  const time = hex(ms, 12);
  const tail = hex(random.below(2 ** 24), 6) + hex(random.below(2 ** 24), 6);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-${hex(0x8000 + random.below(0x4000), 4)}-${tail}`;
}

/**
 * The accounts of a data set, oldest first.
 * - skewed: `records` records in all. Every seventh or so belongs to a small account (some dozens to some hundreds, about 100), the rest to
 *   middling ones, up to 10,000; the four largest have exactly that.
 * - heaviest: one account with all `records`, and 200 small ones beside it.
 */
export function accountsOf(set: DataSet, records: number): SeedAccount[] {
  const random = new Random(set === 'skewed' ? 11 : 12, records);
  const sizes =
    set === 'skewed' ? skewedSizes(records, random) : [records, ...Array.from({ length: othersBesideHeaviest }, () => smallSize(random))];
  return sizes.map((size, index) => {
    const createdMs = Math.floor(beginMs + ((endMs - beginMs) * 0.9 * (index + random.next())) / sizes.length);
    return { id: uuidv7(createdMs, 0, random), email: `${set}-${index + 1}@${emailDomain}`, records: size, createdMs };
  });
}

const smallSize = (random: Random): number => Math.max(1, Math.min(999, Math.round(75 * Math.exp(0.75 * random.normal()))));

function skewedSizes(records: number, random: Random): number[] {
  const sizes: number[] = [];
  let left = records;
  let middling = Math.floor(records * 0.4);
  for (let largest = 0; largest < 4 && middling >= middlingMax; largest++) {
    sizes.push(middlingMax);
    middling -= middlingMax;
  }
  while (middling > 1000) {
    const size = Math.min(middling, Math.round(1000 * 10 ** (random.next() * 0.9)));
    sizes.push(size);
    middling -= size;
  }
  left -= sizes.reduce((sum, size) => sum + size, 0);
  while (left > 0) {
    const size = Math.min(left, smallSize(random));
    sizes.push(size);
    left -= size;
  }
  // Old accounts aren't larger than new ones.
  for (let index = sizes.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [sizes[index], sizes[other]] = [sizes[other] as number, sizes[index] as number];
  }
  return sizes;
}
