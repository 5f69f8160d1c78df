import { parseCurrency } from './currencies.ts';
import type { Faults } from './faults.ts';
import { parseGrade, saysGrades } from './grades.ts';
import { parsePrice } from './prices.ts';

/** The filters of a search as every request that has them carries them: absent ones are empty, years 0. */
export interface FilterFields {
  readonly artist: string;
  readonly label: string;
  readonly format: string;
  readonly yearMin: number;
  readonly yearMax: number;
  readonly gradeMin: string;
  readonly priceMin: string;
  readonly priceMax: string;
  readonly currency: string;
}

/** The filters that are given, as the database's functions take them. Always with the same order of keys: page tokens are bound to it. */
export interface Filters {
  readonly artist?: string;
  readonly label?: string;
  readonly format?: string;
  readonly year_min?: number;
  readonly year_max?: number;
  readonly grade_min?: string;
  /** Decimals: "12.50". */
  readonly price_min?: string;
  readonly price_max?: string;
  readonly currency?: string;
}

/** Parses the filters of a search; whatever is wrong is added to `faults`. */
export function parseFilters(fields: FilterFields, faults: Faults): Filters {
  const text = (value: string): string | undefined => (value.trim() === '' ? undefined : value);
  const parsed = (name: string, value: string, parse: (text: string) => string | undefined, reason: string, says: string) => {
    const given = text(value);
    const result = given === undefined ? undefined : parse(given);
    if (given !== undefined && result === undefined) faults.add([name], reason, says);
    return result;
  };
  const price = (name: string, value: string) =>
    parsed(name, value, parsePrice, 'NOT_A_PRICE', 'Must be a price: at most 12 digits and 2 decimals, not negative ("12.50").');
  const filters = {
    artist: text(fields.artist),
    label: text(fields.label),
    format: text(fields.format),
    year_min: fields.yearMin || undefined,
    year_max: fields.yearMax || undefined,
    grade_min: parsed('grade_min', fields.gradeMin, parseGrade, 'NOT_A_GRADE', saysGrades),
    price_min: price('price_min', fields.priceMin),
    price_max: price('price_max', fields.priceMax),
    currency: parsed('currency', fields.currency, parseCurrency, 'NOT_A_CURRENCY', 'Must be a currency of ISO 4217 ("EUR").'),
  };
  const backwards = 'Is below the lower bound.';
  if (filters.year_min !== undefined && filters.year_max !== undefined && filters.year_max < filters.year_min)
    faults.add(['year_max'], 'EMPTY_RANGE', backwards);
  if (filters.price_min !== undefined && filters.price_max !== undefined && Number(filters.price_max) < Number(filters.price_min))
    faults.add(['price_max'], 'EMPTY_RANGE', backwards);
  return JSON.parse(JSON.stringify(filters));
}
