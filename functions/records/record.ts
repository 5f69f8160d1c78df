import type { CreateRecordRequest, Medium, Record, UpdateRecordRequest } from '../../proto/generated/records.ts';
import { fieldFault } from '../runtime/field-faults.ts';
import { parseCurrency } from './currencies.ts';
import { isYear, parseDate, parseTime, YEAR_MIN, yearMax } from './dates.ts';
import { Faults, type Path } from './faults.ts';
import { type Grade, parseGrade, saysGrades } from './grades.ts';
import { parseMedia } from './media.ts';
import { parsePrice, priceOfDouble } from './prices.ts';

/** A row of records.readable, as PostgreSQL answers it. */
export interface RecordRow {
  readonly id: string;
  readonly user_id: string;
  readonly artist: string;
  readonly name: string;
  readonly aliases: string[];
  readonly format: string | null;
  readonly label: string | null;
  readonly label_code: string | null;
  readonly catalog_number: string | null;
  readonly record_grade: Grade | null;
  readonly sleeve_grade: Grade | null;
  readonly insert_grade: Grade | null;
  readonly booklet_grade: Grade | null;
  readonly obi_strip_grade: Grade | null;
  readonly factory_sleeve_grade: Grade | null;
  readonly has_insert: boolean | null;
  readonly has_booklet: boolean | null;
  readonly has_obi_strip: boolean | null;
  readonly has_factory_sleeve: boolean | null;
  readonly is_promo: boolean | null;
  readonly notes: string | null;
  readonly purchased_at: string | null;
  /** numeric(14,2): always with two decimals. */
  readonly price: string | null;
  readonly currency: string | null;
  readonly release_date: string | null;
  readonly release_year: number | null;
  readonly pressing_year: number | null;
  readonly media: Medium[];
  readonly discogs_release_id: number | null;
  readonly collection_folder: string | null;
  readonly rating: number | null;
  /** Times are RFC 3339 in UTC, with milliseconds. */
  readonly added_at: string | null;
  readonly import_key: string | null;
  /** bigint */
  readonly revision: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** The record that a row is. Its etag is the number of its revision. */
export function recordOf(row: RecordRow): Record {
  return {
    id: row.id,
    userId: row.user_id,
    artist: row.artist,
    name: row.name,
    format: row.format ?? undefined,
    catalogNumber: row.catalog_number ?? undefined,
    recordGrade: row.record_grade ?? undefined,
    sleeveGrade: row.sleeve_grade ?? undefined,
    hasInsert: row.has_insert ?? undefined,
    hasBooklet: row.has_booklet ?? undefined,
    hasObiStrip: row.has_obi_strip ?? undefined,
    hasFactorySleeve: row.has_factory_sleeve ?? undefined,
    isPromo: row.is_promo ?? undefined,
    notes: row.notes ?? undefined,
    purchasedAt: row.purchased_at ?? undefined,
    pricePaid: row.price === null ? undefined : Number(row.price),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    price: row.price ?? undefined,
    currency: row.currency ?? undefined,
    insertGrade: row.insert_grade ?? undefined,
    bookletGrade: row.booklet_grade ?? undefined,
    obiStripGrade: row.obi_strip_grade ?? undefined,
    factorySleeveGrade: row.factory_sleeve_grade ?? undefined,
    releaseYear: row.release_year ?? undefined,
    releaseDate: row.release_date ?? undefined,
    pressingYear: row.pressing_year ?? undefined,
    label: row.label ?? undefined,
    labelCode: row.label_code ?? undefined,
    media: row.media.map(mediumOf),
    aliases: row.aliases,
    etag: row.revision,
    discogsReleaseId: row.discogs_release_id ?? undefined,
    collectionFolder: row.collection_folder ?? undefined,
    rating: row.rating ?? undefined,
    addedAt: row.added_at ?? undefined,
    importKey: row.import_key ?? undefined,
  };
}

/** jsonb orders keys by length; readers of JSON expect the order of the contract. */
const mediumOf = ({ index, kind, sizeInch, speedRpm, discGrade, sides }: Medium): Medium => ({
  index,
  kind,
  sizeInch,
  speedRpm,
  discGrade,
  sides: sides.map(({ letter, grade }) => ({ letter, grade })),
});

/** The columns of records.records that a client fills, in their canonical form. */
export interface RecordColumns {
  artist: string;
  name: string;
  aliases: readonly string[];
  format: string | null;
  label: string | null;
  label_code: string | null;
  catalog_number: string | null;
  /** As the owner gave it; the record's grade is media_grade where there is one. */
  given_grade: Grade | null;
  /** The worst of discs and sides. */
  media_grade: Grade | null;
  sleeve_grade: Grade | null;
  insert_grade: Grade | null;
  booklet_grade: Grade | null;
  obi_strip_grade: Grade | null;
  factory_sleeve_grade: Grade | null;
  has_insert: boolean | null;
  has_booklet: boolean | null;
  has_obi_strip: boolean | null;
  has_factory_sleeve: boolean | null;
  is_promo: boolean | null;
  notes: string | null;
  purchased_at: string | null;
  price: string | null;
  currency: string | null;
  release_date: string | null;
  release_year: number | null;
  pressing_year: number | null;
  media: readonly Medium[];
  discogs_release_id: number | null;
  collection_folder: string | null;
  rating: number | null;
  added_at: string | null;
  import_key: string | null;
}

/** A record that can be stored: every column has its value. */
export type NewRecord = Readonly<RecordColumns>;

/** What changes of a record: null clears, a column that isn't there stays as it is. */
export type RecordChange = Readonly<Partial<RecordColumns>>;

/** One request being parsed. */
interface Parsing {
  readonly record: Record;
  readonly columns: Partial<RecordColumns>;
  readonly faults: Faults;
  readonly now: Date;
  /** Whether a field is among those that are read now. */
  readonly reads: (name: string) => boolean;
}

interface ParsedField {
  /** The property of the message that holds it. */
  readonly property: keyof Record;
  readonly parse: (parsing: Parsing) => void;
}

/** The names whose type is exactly Value. */
type Of<Source, Value> = {
  [K in keyof Source]-?: [Source[K]] extends [Value] ? ([Value] extends [Source[K]] ? K : never) : never;
}[keyof Source];
type TextProperty = Of<Record, string | undefined>;
type FlagProperty = Of<Record, boolean | undefined>;
type TextColumn = Of<RecordColumns, string | null>;
type GradeColumn = Of<RecordColumns, Grade | null>;
type FlagColumn = Of<RecordColumns, boolean | null>;

const path = (name: string): Path => ['record', name];

/** Text without which a record is none. Lengths are the contract's; that it isn't blank is ours. */
const nameField = (name: 'artist' | 'name'): ParsedField => ({
  property: name,
  parse: ({ record, columns, faults }) => {
    const text = record[name];
    if (text === undefined) faults.add(path(name), 'REQUIRED', 'A record has an artist and a name.');
    else if (text.trim() === '') faults.add(path(name), 'BLANK', 'Must hold more than spaces.');
    else columns[name] = text;
  },
});

/** Free text, kept as it is: the empty one too, since it isn't absence. */
const textField = (name: TextColumn, property: TextProperty): ParsedField => ({
  property,
  parse: ({ record, columns }) => {
    columns[name] = record[property] ?? null;
  },
});

/** Text of a certain form, where the empty one is no value and so clears. */
const formField = (
  name: TextColumn,
  property: TextProperty,
  read: (text: string, now: Date) => string | undefined,
  reason: string,
  says: (now: Date) => string,
): ParsedField => ({
  property,
  parse: ({ record, columns, faults, now }) => {
    const text = record[property];
    const value = text === undefined || text.trim() === '' ? null : read(text, now);
    if (value === undefined) faults.add(path(name), reason, says(now));
    else columns[name] = value;
  },
});

const gradeField = (name: string, property: TextProperty, column = name as GradeColumn): ParsedField => ({
  property,
  parse: ({ record, columns, faults }) => {
    const text = record[property];
    const grade = text === undefined || text.trim() === '' ? null : parseGrade(text);
    if (grade === undefined) faults.add(path(name), 'NOT_A_GRADE', saysGrades);
    else columns[column] = grade;
  },
});

const dateField = (name: 'purchased_at' | 'release_date', property: TextProperty): ParsedField =>
  formField(
    name,
    property,
    parseDate,
    'NOT_A_DATE',
    (now) => `Must be a day as YYYY-MM-DD, from ${YEAR_MIN}-01-01 to ${yearMax(now)}-12-31.`,
  );

const flagField = (name: FlagColumn, property: FlagProperty): ParsedField => ({
  property,
  parse: ({ record, columns }) => {
    columns[name] = record[property] ?? null;
  },
});

/** Bounds are the contract's. */
const numberField = (name: 'discogs_release_id' | 'rating', property: 'discogsReleaseId' | 'rating'): ParsedField => ({
  property,
  parse: ({ record, columns }) => {
    columns[name] = record[property] ?? null;
  },
});

const yearField = (name: 'release_year' | 'pressing_year', property: 'releaseYear' | 'pressingYear'): ParsedField => ({
  property,
  parse: ({ record, columns, faults, now }) => {
    const year = record[property];
    if (year === undefined || isYear(year, now)) columns[name] = year ?? null;
    else faults.add(path(name), 'OUT_OF_RANGE', `Must be from ${YEAR_MIN} to ${yearMax(now)}.`);
  },
});

/** price and price_paid are two spellings of one value: the one that is given counts, and both only where they agree. */
function parsePrices({ record, columns, faults, reads }: Parsing): void {
  const exact = reads('price') && record.price?.trim() ? record.price : undefined;
  const double = reads('price_paid') ? record.pricePaid : undefined;
  const price = exact === undefined ? undefined : parsePrice(exact);
  const paid = double === undefined ? undefined : priceOfDouble(double);
  const says = 'Must be a price: at most 12 digits and 2 decimals, not negative ("12.50").';
  if (exact !== undefined && price === undefined) faults.add(path('price'), 'NOT_A_PRICE', says);
  if (double !== undefined && paid === undefined) faults.add(path('price_paid'), 'NOT_A_PRICE', says);
  if (price !== undefined && paid !== undefined && price !== paid)
    faults.add(path('price_paid'), 'CONFLICTING_PRICES', 'Differs from price; give one of them.');
  columns.price = price ?? paid ?? null;
}

/**
 * How each field that a client can set is read, by its name in the contract.
 * Lengths, bounds of plain numbers and counts are checked by the runtime, from the contract.
 */
const fields: Readonly<globalThis.Record<string, ParsedField>> = {
  artist: nameField('artist'),
  name: nameField('name'),
  format: textField('format', 'format'),
  catalog_number: textField('catalog_number', 'catalogNumber'),
  record_grade: gradeField('record_grade', 'recordGrade', 'given_grade'),
  sleeve_grade: gradeField('sleeve_grade', 'sleeveGrade'),
  has_insert: flagField('has_insert', 'hasInsert'),
  has_booklet: flagField('has_booklet', 'hasBooklet'),
  has_obi_strip: flagField('has_obi_strip', 'hasObiStrip'),
  has_factory_sleeve: flagField('has_factory_sleeve', 'hasFactorySleeve'),
  is_promo: flagField('is_promo', 'isPromo'),
  notes: textField('notes', 'notes'),
  purchased_at: dateField('purchased_at', 'purchasedAt'),
  price_paid: { property: 'pricePaid', parse: parsePrices },
  // Read once, with the other spelling.
  price: { property: 'price', parse: (parsing) => parsing.reads('price_paid') || parsePrices(parsing) },
  currency: formField('currency', 'currency', parseCurrency, 'NOT_A_CURRENCY', () => 'Must be a currency of ISO 4217 ("EUR").'),
  insert_grade: gradeField('insert_grade', 'insertGrade'),
  booklet_grade: gradeField('booklet_grade', 'bookletGrade'),
  obi_strip_grade: gradeField('obi_strip_grade', 'obiStripGrade'),
  factory_sleeve_grade: gradeField('factory_sleeve_grade', 'factorySleeveGrade'),
  release_year: yearField('release_year', 'releaseYear'),
  release_date: dateField('release_date', 'releaseDate'),
  pressing_year: yearField('pressing_year', 'pressingYear'),
  label: textField('label', 'label'),
  label_code: textField('label_code', 'labelCode'),
  media: {
    property: 'media',
    parse: ({ record, columns, faults }) => {
      const { media, grade } = parseMedia(record.media, path('media'), faults);
      columns.media = media;
      columns.media_grade = grade ?? null;
    },
  },
  aliases: {
    property: 'aliases',
    parse: ({ record, columns, faults }) => {
      for (const [index, alias] of record.aliases.entries())
        if (alias.trim() === '') faults.add([...path('aliases'), index], 'BLANK', 'Must hold more than spaces.');
      columns.aliases = record.aliases;
    },
  },
  discogs_release_id: numberField('discogs_release_id', 'discogsReleaseId'),
  collection_folder: textField('collection_folder', 'collectionFolder'),
  rating: numberField('rating', 'rating'),
  added_at: formField(
    'added_at',
    'addedAt',
    parseTime,
    'NOT_A_TIME',
    (now) => `Must be a time as RFC 3339 writes it, with its offset ("2024-05-17T12:00:00Z"), from ${YEAR_MIN} to ${yearMax(now)}.`,
  ),
  import_key: textField('import_key', 'importKey'),
};

/** The names of the fields that a client can set. */
export const settableFields: readonly string[] = Object.keys(fields);

const isSettable = (name: string): boolean => Object.hasOwn(fields, name);

/** Reads the named fields of a record; whatever is wrong is added to `faults`. */
function parseFields(record: Record, names: readonly string[], faults: Faults, now: Date): Partial<RecordColumns> {
  const read = new Set(names);
  const parsing: Parsing = { record, columns: {}, faults, now, reads: (name) => read.has(name) };
  for (const name of names) fields[name]?.parse(parsing);
  return parsing.columns;
}

/**
 * Parses the record of a CreateRecord.
 * @param now decides which year is next year
 * @throws Refusal INVALID_FIELDS with every fault and its path
 */
export function parseNewRecord(request: Pick<CreateRecordRequest, 'record'>, now: Date): NewRecord {
  const faults = new Faults();
  if (request.record === undefined) faults.add(['record'], 'REQUIRED', 'Is required.');
  const columns = request.record === undefined ? {} : parseFields(request.record, settableFields, faults, now);
  faults.refuse();
  return columns as NewRecord;
}

/**
 * Parses what an UpdateRecord changes. The mask ["*"] replaces the record: what is absent is cleared. Any other mask changes exactly what it
 * names (AIP-134). Without one the optional fields that are set change, and lists that hold something.
 * @throws Refusal INVALID_FIELDS with every fault and its path
 */
export function parseRecordChange(request: Pick<UpdateRecordRequest, 'record' | 'updateMask'>, now: Date): RecordChange {
  const faults = new Faults();
  const { record } = request;
  const mask = request.updateMask ?? [];
  for (const [index, name] of mask.entries())
    if (name !== '*' && !isSettable(name)) faults.violations.push(fieldFault('UNKNOWN_MASK_PATH', ['update_mask', index]));
  if (record === undefined) faults.add(['record'], 'REQUIRED', 'Is required.');
  const columns = record === undefined ? {} : parseFields(record, namesOf(record, mask), faults, now);
  faults.refuse();
  return columns;
}

function namesOf(record: Record, mask: readonly string[]): readonly string[] {
  if (mask.includes('*')) return settableFields;
  if (mask.length > 0) return mask.filter(isSettable);
  return settableFields.filter((name) => {
    const value = record[(fields[name] as ParsedField).property];
    return value !== undefined && !(Array.isArray(value) && value.length === 0);
  });
}
