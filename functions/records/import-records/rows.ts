import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import { RecordShape } from '../../../proto/generated/records.rpc.ts';
import type { FileFormat, Record } from '../../../proto/generated/records.ts';
import { readJson } from '../../runtime/read-json.ts';
import { type Header, readCells, readHeader } from '../collection-columns.ts';
import { CsvReader, type CsvRow } from '../csv-reader.ts';
import { refuse } from '../refusals.ts';

/** Why a row can't be stored; `column` as ImportFault has it. */
export interface RowFault {
  readonly column: string;
  readonly reason: string;
  readonly says: string;
}

/** One row of a file. */
export interface Row {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly record: Record;
  readonly faults: readonly RowFault[];
}

/** Cuts a file into rows as it comes; it never holds more than one piece of it and one row. */
export interface RowReader {
  /** @returns the rows that end in this piece */
  push(piece: Uint8Array): readonly Row[];
  /** @returns the last row, where nothing ended it */
  end(): readonly Row[];
  /** What the file calls a field: the title of its column, or in JSON Lines the way to it with points. @param path in proto names */
  nameOf(path: readonly (string | number)[]): string;
}

/** Characters of one row: twice the largest record that the contract admits. */
const rowCharactersMax = 256 * 1024;

const notUtf8: RowFault = { column: '', reason: 'WRONG_ENCODING', says: 'Holds bytes that are not UTF-8.' };

const emptyRecord = readJson(RecordShape, {}).message as unknown as Record;
const newRecord = (): Record => ({ ...emptyRecord, media: [], aliases: [] });

export const createRowReader = (format: FileFormat): RowReader => (format === 'JSON_LINES' ? createJsonRows() : createCsvRows());

/** Whether what has come so far is UTF-8; a sequence may go over the border of two pieces. */
class Utf8Watch {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  broken = false;

  see(piece: Uint8Array): void {
    if (this.broken) return;
    try {
      this.#decoder.decode(piece, { stream: true });
    } catch {
      this.broken = true;
    }
  }
}

/** @throws Refusal NOT_A_COLLECTION where the first line doesn't name the columns */
function createCsvRows(): RowReader {
  const reader = new CsvReader(rowCharactersMax);
  const decoder = new StringDecoder('utf8');
  const watch = new Utf8Watch();
  let header: Header | undefined;
  let isFirst = true;

  const rowOf = (row: CsvRow): readonly Row[] => {
    if (header !== undefined) return [readCsvRow(row, header, watch.broken)];
    header = row.fault === undefined ? readHeader(row.cells) : undefined;
    if (header === undefined) throw refuse('NOT_A_COLLECTION');
    return [];
  };
  return {
    push(piece) {
      watch.see(piece);
      let text = decoder.write(piece as Buffer);
      if (isFirst && text !== '') {
        isFirst = false;
        if (text.startsWith('\ufeff')) text = text.slice(1);
      }
      return reader.push(text).flatMap(rowOf);
    },
    end() {
      const rows = [...reader.push(decoder.end()), ...reader.end()].flatMap(rowOf);
      if (header === undefined) throw refuse('NOT_A_COLLECTION');
      return rows;
    },
    nameOf: ([field]) => header?.columns.find((column) => column?.fields.includes(String(field)))?.title ?? '',
  };
}

const csvFaults = {
  WRONG_QUOTES: 'Quotation marks stand around a whole cell, and twice inside of it.',
  TOO_LONG: `Has more than ${rowCharactersMax} characters.`,
};

/** @param isBroken whether there are bytes in the file that are not UTF-8 */
function readCsvRow({ line, cells, fault }: CsvRow, header: Header, isBroken: boolean): Row {
  const record = newRecord();
  const at = (index: number): string => header.columns[index]?.title ?? '';
  const faulty = (column: string, reason: string, says: string): Row => ({ line, record, faults: [{ column, reason, says }] });
  if (fault !== undefined) return faulty(at(cells.length), fault, csvFaults[fault]);
  // The decoder puts U+FFFD where there is no UTF-8; in a file without such places it is a character like others.
  const broken = isBroken ? cells.findIndex((cell) => cell.includes('\ufffd')) : -1;
  if (broken >= 0) return { line, record, faults: [{ ...notUtf8, column: at(broken) }] };
  if (cells.length !== header.columns.length)
    return faulty('', 'WRONG_CELL_COUNT', `Has ${cells.length} cells, and the first line names ${header.columns.length} columns.`);
  return { line, record, faults: readCells(header, cells, record) };
}

const lineFeed = 10;

function createJsonRows(): RowReader {
  let held: Buffer = Buffer.alloc(0);
  let line = 0;
  /** Inside of a row that is too long: what comes up to its end is thrown away. */
  let skipping = false;

  return {
    push(piece) {
      const rows: (Row | undefined)[] = [];
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      let at = 0;
      for (let end = held.indexOf(lineFeed); end >= 0; end = held.indexOf(lineFeed, at)) {
        line++;
        if (!skipping) rows.push(end - at > rowCharactersMax ? tooLong(line) : readJsonRow(held.subarray(at, end), line));
        skipping = false;
        at = end + 1;
      }
      held = skipping ? Buffer.alloc(0) : held.subarray(at);
      if (held.length > rowCharactersMax) {
        rows.push(tooLong(line + 1));
        skipping = true;
        held = Buffer.alloc(0);
      }
      return rows.filter((row) => row !== undefined);
    },
    end() {
      const last = held.length === 0 ? undefined : readJsonRow(held, line + 1);
      return last === undefined ? [] : [last];
    },
    nameOf: (path) => path.join('.'),
  };
}

const tooLong = (line: number): Row => ({
  line,
  record: newRecord(),
  faults: [{ column: '', reason: 'TOO_LONG', says: `Has more than ${rowCharactersMax} bytes.` }],
});

/** @returns undefined for an empty line */
function readJsonRow(bytes: Buffer, line: number): Row | undefined {
  if (!isUtf8(bytes)) return { line, record: newRecord(), faults: [notUtf8] };
  const text = (line === 1 ? bytes.toString().replace(/^\ufeff/, '') : bytes.toString()).trim();
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const says = 'Must be one JSON object, on a line of its own.';
    return { line, record: newRecord(), faults: [{ column: '', reason: 'MALFORMED', says }] };
  }
  const { message, violations } = readJson(RecordShape, value);
  const record = message as unknown as Record;
  // Output-only in the API, and here what tells an exported record from a new one.
  const id = (value as { id?: unknown } | null)?.id;
  if (typeof id === 'string') record.id = id;
  return { line, record, faults: violations.map(({ path, reason, says }) => ({ column: path.join('.'), reason, says })) };
}
