/**
 * A tagged template that runs one statement: sql<Row>`select * from records.read_record(${user}, ${session}, ${id})`.
 * Values travel as bind parameters; null where there is none. Rows are plain objects with the columns' own names.
 * Within a call it follows the call's deadline and cancellation (down to the statement), opens its span, and turns
 * what the database says into refusals: SQLSTATE RP000 carries a reason of the error table in its message,
 * connection faults become UPSTREAM_UNAVAILABLE, an admission queue that is full TOO_BUSY.
 */
export type Sql = <Row extends object>(strings: TemplateStringsArray, ...values: SqlValue[]) => Promise<Row[]>;

/** What can be bound. A Buffer is bytea; a Json is jsonb (make it with `json`). */
export type SqlValue = string | number | boolean | null | Date | Uint8Array | Json | readonly string[];

/** A value that travels as jsonb. */
export class Json {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

export const json = (value: unknown): Json => new Json(value);

/** The SQLSTATE by which a database function refuses: `raise exception using errcode = 'RP000', message = 'SESSION_ENDED'`. */
export const REFUSED_BY_DATABASE = 'RP000';
