const quote = 34;
const comma = 44;
const carriageReturn = 13;
const lineFeed = 10;

/** Why a row is none. */
export type CsvFault = 'WRONG_QUOTES' | 'TOO_LONG';

export interface CsvRow {
  /** Where it begins, from 1, as an editor counts lines. */
  readonly line: number;
  readonly cells: readonly string[];
  /** Set where it is none; then the cells are those before the fault. */
  readonly fault?: CsvFault;
}

type State = 'cell' | 'bare' | 'quoted' | 'quote' | 'skip';

/**
 * Cuts the text of a CSV (RFC 4180; CRLF, LF and CR end a row) into rows, piece by piece. It holds one row and no more.
 *
 * A package would do, and csv-parse was here first: it counts a CRLF inside of quotation marks as two lines, so that every fault behind one
 * has a wrong line, and behind a row that is too long it throws away the rest of the piece. Here a row that is none costs itself alone:
 * reading goes on in the next line, also where a quotation mark was never closed.
 */
export class CsvReader {
  readonly #rowCharactersMax: number;
  readonly #rows: CsvRow[] = [];
  #state: State = 'cell';
  #cells: string[] = [];
  /** The cell so far, up to the piece that is being read. */
  #cell = '';
  #fault: CsvFault | undefined;
  /** Of the row so far, up to the piece that is being read. */
  #text = '';
  #line = 1;
  #rowLine = 1;
  #afterCarriageReturn = false;

  /** @param rowCharactersMax of one row, in UTF-16 units */
  constructor(rowCharactersMax: number) {
    this.#rowCharactersMax = rowCharactersMax;
  }

  /** @returns the rows that end in this piece; empty lines are none */
  push(piece: string): readonly CsvRow[] {
    for (let text: string | undefined = piece; text !== undefined; ) text = this.#read(text);
    return this.#rows.splice(0);
  }

  /** @returns the rows that nothing ended */
  end(): readonly CsvRow[] {
    while (this.#state === 'quoted')
      for (let text: string | undefined = this.#restart('', true); text !== undefined; ) text = this.#read(text);
    if (this.#state !== 'cell' || this.#cells.length > 0) this.#endRow(this.#state === 'skip' ? undefined : '');
    return this.#rows.splice(0);
  }

  /** Reads one piece. @returns what has to be read again, where a quotation mark turns out never to be closed */
  #read(text: string): string | undefined {
    let from = 0;
    let rowFrom = 0;
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      const isBreak = unit === lineFeed || unit === carriageReturn;
      if (isBreak && !(unit === lineFeed && this.#afterCarriageReturn)) this.#line++;
      const isSecondHalf = unit === lineFeed && this.#afterCarriageReturn;
      this.#afterCarriageReturn = unit === carriageReturn;
      if (this.#state === 'quoted') {
        if (unit === quote) {
          this.#cell += text.slice(from, at);
          this.#state = 'quote';
        } else if (isBreak && this.#text.length + at - rowFrom > this.#rowCharactersMax) return this.#restart(text.slice(rowFrom));
        continue;
      }
      if (isSecondHalf) {
        // Its first half has ended the row.
        rowFrom = at + 1;
        from = at + 1;
        this.#rowLine = this.#line;
        continue;
      }
      if (this.#state === 'cell') {
        from = at;
        if (unit === quote) {
          this.#state = 'quoted';
          from = at + 1;
          continue;
        }
        if (!isBreak && unit !== comma) {
          this.#state = 'bare';
          continue;
        }
      } else if (this.#state === 'quote' && unit === quote) {
        // Two of them stand for one.
        this.#state = 'quoted';
        from = at;
        continue;
      }
      if (unit === comma && this.#state !== 'skip') {
        this.#endCell(text, from, at);
        this.#state = 'cell';
      } else if (isBreak) {
        if (this.#state !== 'cell' || this.#cells.length > 0) this.#endRow(this.#state === 'bare' ? text.slice(from, at) : '');
        this.#text = '';
        this.#rowLine = this.#line;
        rowFrom = at + 1;
        from = at + 1;
      } else if (this.#state === 'quote' || unit === quote) this.#skip('WRONG_QUOTES');
    }
    if (this.#state === 'bare' || this.#state === 'quoted') this.#cell += text.slice(from);
    if (this.#state !== 'skip') this.#text += text.slice(rowFrom);
    if (this.#text.length <= this.#rowCharactersMax) return undefined;
    if (this.#state === 'quoted') return this.#restart('');
    this.#skip('TOO_LONG');
    return undefined;
  }

  #endCell(text: string, from: number, at: number): void {
    this.#cells.push(this.#state === 'bare' ? this.#cell + text.slice(from, at) : this.#cell);
    this.#cell = '';
  }

  #skip(fault: CsvFault): void {
    if (this.#state === 'skip') return;
    this.#state = 'skip';
    this.#fault = fault;
    this.#cell = '';
    this.#text = '';
  }

  #endRow(rest: string | undefined): void {
    if (this.#fault === undefined) this.#cells.push(this.#cell + (rest ?? ''));
    this.#rows.push({ line: this.#rowLine, cells: this.#cells, ...(this.#fault && { fault: this.#fault }) });
    this.#state = 'cell';
    this.#cells = [];
    this.#cell = '';
    this.#fault = undefined;
    this.#text = '';
  }

  /**
   * A quotation mark that isn't closed within a row's length never will be: the row is its first line, and at fault; what follows is read
   * again. That happens once in a row's length and no more: a line that closes no quotation mark that is open before it opens none either.
   * @param rest of the row, in the piece that is being read
   */
  #restart(rest: string, isEnd = false): string {
    const row = this.#text + rest;
    const end = /\r\n|\n|\r/.exec(row);
    if (end === null && !isEnd) {
      this.#skip('TOO_LONG');
      return '';
    }
    this.#fault = 'WRONG_QUOTES';
    this.#endRow(undefined);
    this.#line = this.#rowLine + (end === null ? 0 : 1);
    this.#rowLine = this.#line;
    this.#afterCarriageReturn = false;
    return end === null ? '' : row.slice(end.index + end[0].length);
  }
}
