/**
 * A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, CSV injection). It gets an apostrophe in front; so does a
 * text that looks as if it had one already, or reading would take away what is its own.
 */
const formula = /^'*[=+\-@\t\r]/;
const quoted = /[",\r\n]|^\s|\s$/;

/** A text as a cell of a CSV (RFC 4180). */
export function csvCell(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text;
  return quoted.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The text that a cell stands for: without the apostrophe that keeps it from being a formula. */
export const textOfCell = (cell: string): string => (cell.startsWith("'") && formula.test(cell.slice(1)) ? cell.slice(1) : cell);
