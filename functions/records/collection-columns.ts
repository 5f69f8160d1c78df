import { MediumShape } from '../../proto/generated/records.rpc.ts';
import type { Medium, Record } from '../../proto/generated/records.ts';
import { readJson } from '../runtime/read-json.ts';
import { csvCell, textOfCell } from './csv-cells.ts';
import { dateAddedOf, gradeOfCondition, mediaOfFormat, releaseOf, timeOfDateAdded } from './discogs.ts';

/** What a cell says that can't be read: a reason and a public sentence. */
export class CellFault {
  readonly reason: string;
  readonly says: string;
  constructor(reason: string, says: string) {
    this.reason = reason;
    this.says = says;
  }
}

/** One column of a collection's CSV. */
export interface Column {
  /** As the first line names it. */
  readonly title: string;
  /** The fields of a record that it holds, in proto names: faults of these are faults of the column. */
  readonly fields: readonly string[];
  /** Puts a cell into the record. An empty cell is never read. */
  readonly read: (cell: string, record: Record) => CellFault | undefined;
  /** The cell's text, '' for none. */
  readonly write: (record: Record) => string;
}

type Of<Value> = { [K in keyof Record]-?: [Record[K]] extends [Value | undefined] ? K : never }[keyof Record];

const proto = (property: string): string => property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const text = (title: string, property: Of<string>): Column => ({
  title,
  fields: [proto(property)],
  read: (cell, record) => {
    record[property] = textOfCell(cell);
    return undefined;
  },
  write: (record) => record[property] ?? '',
});

const number = (title: string, property: 'rating' | 'discogsReleaseId' | 'pressingYear' | 'releaseYear'): Column => ({
  title,
  fields: [proto(property)],
  read: (cell, record) => {
    if (!/^\d{1,10}$/.test(cell.trim()) || Number(cell) > 2_147_483_647)
      return new CellFault('WRONG_TYPE', 'Must be a whole number, or nothing.');
    record[property] = Number(cell);
    return undefined;
  },
  write: (record) => String(record[property] ?? ''),
});

const flag = (title: string, property: 'hasInsert' | 'hasBooklet' | 'hasObiStrip' | 'hasFactorySleeve' | 'isPromo'): Column => ({
  title,
  fields: [proto(property)],
  read: (cell, record) => {
    const word = cell.trim().toLowerCase();
    if (word !== 'yes' && word !== 'no') return new CellFault('WRONG_TYPE', 'Must be yes or no, or nothing.');
    record[property] = word === 'yes';
    return undefined;
  },
  write: (record) => (record[property] === undefined ? '' : record[property] ? 'yes' : 'no'),
});

const parseList = (cell: string): readonly unknown[] | undefined => {
  try {
    const value: unknown = JSON.parse(cell);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
};
const notAList = new CellFault('WRONG_TYPE', 'Must be a list in JSON, or nothing.');

const media: Column = {
  title: 'Media',
  fields: ['media'],
  read: (cell, record) => {
    const list = parseList(cell);
    if (list === undefined) return notAList;
    const read = list.map((item, index) => readJson(MediumShape, item, [index]));
    const [fault] = read.flatMap(({ violations }) => violations);
    if (fault !== undefined) return new CellFault(fault.reason, `${fault.path.join('.')}: ${fault.says}`);
    record.media = read.map(({ message }) => message as unknown as Medium);
    return undefined;
  },
  write: ({ media }) => (media.length === 0 ? '' : JSON.stringify(media)),
};

const aliases: Column = {
  title: 'Aliases',
  fields: ['aliases'],
  read: (cell, record) => {
    const list = parseList(cell);
    if (!list?.every((item) => typeof item === 'string')) return notAList;
    record.aliases = [...list];
    return undefined;
  },
  write: ({ aliases }) => (aliases.length === 0 ? '' : JSON.stringify(aliases)),
};

const condition = (title: string, property: 'recordGrade' | 'sleeveGrade'): Column => ({
  title,
  fields: [proto(property)],
  read: (cell, record) => {
    record[property] = gradeOfCondition(textOfCell(cell));
    return undefined;
  },
  write: (record) => record[property] ?? '',
});

/** The columns of the CSV that Discogs exports for a collection, in its order. */
const discogsColumns: readonly Column[] = [
  text('Catalog#', 'catalogNumber'),
  text('Artist', 'artist'),
  text('Title', 'name'),
  text('Label', 'label'),
  text('Format', 'format'),
  number('Rating', 'rating'),
  {
    title: 'Released',
    fields: ['release_year', 'release_date'],
    read: (cell, record) => {
      const release = releaseOf(cell);
      if (release === undefined) return new CellFault('NOT_A_DATE', 'Must be a year, or a day as YYYY-MM-DD.');
      record.releaseYear = release.year;
      record.releaseDate = release.date;
      return undefined;
    },
    write: (record) => String(record.releaseYear ?? ''),
  },
  number('release_id', 'discogsReleaseId'),
  text('CollectionFolder', 'collectionFolder'),
  {
    title: 'Date Added',
    fields: ['added_at'],
    read: (cell, record) => {
      record.addedAt = timeOfDateAdded(cell.trim());
      return undefined;
    },
    write: (record) => (record.addedAt === undefined ? '' : dateAddedOf(record.addedAt)),
  },
  condition('Collection Media Condition', 'recordGrade'),
  condition('Collection Sleeve Condition', 'sleeveGrade'),
  text('Collection Notes', 'notes'),
];

/** Texts that may be there and empty; of the others the empty one is none. */
const emptiable = ['format', 'catalogNumber', 'notes', 'label', 'labelCode', 'collectionFolder', 'importKey'] as const;

/** What Discogs' columns don't hold. A text that is there and empty differs from one that isn't there: `Empty` names the former. */
const ownColumns: readonly Column[] = [
  text('Record Id', 'id'),
  text('Import Key', 'importKey'),
  text('Price', 'price'),
  text('Currency', 'currency'),
  text('Purchased', 'purchasedAt'),
  text('Release Date', 'releaseDate'),
  number('Pressing Year', 'pressingYear'),
  text('Label Code', 'labelCode'),
  flag('Insert', 'hasInsert'),
  text('Insert Grade', 'insertGrade'),
  flag('Booklet', 'hasBooklet'),
  text('Booklet Grade', 'bookletGrade'),
  flag('Obi Strip', 'hasObiStrip'),
  text('Obi Strip Grade', 'obiStripGrade'),
  flag('Factory Sleeve', 'hasFactorySleeve'),
  text('Factory Sleeve Grade', 'factorySleeveGrade'),
  flag('Promo', 'isPromo'),
  media,
  aliases,
  {
    title: 'Empty',
    fields: [],
    read: (cell, record) => {
      for (const name of cell.split(' ')) {
        const property = emptiable.find((candidate) => candidate === name);
        if (property === undefined)
          return new CellFault('UNKNOWN_FIELD', `Must name fields that are empty texts: ${emptiable.join(', ')}.`);
        record[property] = '';
      }
      return undefined;
    },
    write: (record) => emptiable.filter((property) => record[property] === '').join(' '),
  },
];

/** Every column, in the order of an export. */
export const columns: readonly Column[] = [...discogsColumns, ...ownColumns];

/** The first line of an export. */
export const headerLine: string = `${columns.map(({ title }) => csvCell(title)).join(',')}\r\n`;

/** A record as a line of the CSV. */
export const csvLine = (record: Record): string => `${columns.map(({ write }) => csvCell(write(record))).join(',')}\r\n`;

/** How the rows of one file are read: its columns in their order. */
export interface Header {
  /** Undefined for a column that is not ours: it is skipped. */
  readonly columns: readonly (Column | undefined)[];
  /** Whether media have a column of their own, or follow from the format. */
  readonly hasMedia: boolean;
}

/**
 * Reads the first line.
 * @returns undefined where it doesn't name Artist and Title, or one of ours twice
 */
export function readHeader(cells: readonly string[]): Header | undefined {
  const found = cells.map((cell) => columns.find(({ title }) => title === cell.trim()));
  const known = found.filter((column) => column !== undefined);
  const has = (title: string) => known.some((column) => column.title === title);
  if (!has('Artist') || !has('Title') || new Set(known).size < known.length) return undefined;
  return { columns: found, hasMedia: has('Media') };
}

/** Reads a row's cells into a record. @returns what is wrong with which column */
export function readCells(header: Header, cells: readonly string[], record: Record): (CellFault & { column: string })[] {
  const faults: (CellFault & { column: string })[] = [];
  for (let index = 0; index < cells.length; index++) {
    const column = header.columns[index];
    const cell = cells[index] as string;
    if (column === undefined || cell === '') continue;
    const fault = column.read(cell, record);
    if (fault !== undefined) faults.push({ ...fault, column: column.title });
  }
  if (!header.hasMedia && record.format !== undefined) record.media = mediaOfFormat(record.format);
  return faults;
}
