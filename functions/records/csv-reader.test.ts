import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CsvReader, type CsvRow } from './csv-reader.ts';

/** Reads a text in pieces of a size. Rows as [line, ...cells], those at fault with the fault first. */
function read(text: string, size: number, rowCharactersMax = 1000): unknown[] {
  const reader = new CsvReader(rowCharactersMax);
  const rows: CsvRow[] = [];
  for (let at = 0; at < text.length; at += size) rows.push(...reader.push(text.slice(at, at + size)));
  rows.push(...reader.end());
  return rows.map(({ line, cells, fault }) => (fault ? [fault, line, ...cells] : [line, ...cells]));
}

const cases: readonly { name: string; input: string; expected: unknown[] }[] = [
  { name: 'nothing', input: '', expected: [] },
  { name: 'one cell without an end', input: 'a', expected: [[1, 'a']] },
  {
    name: 'empty cells',
    input: ',\n,,\n',
    expected: [
      [1, '', ''],
      [2, '', '', ''],
    ],
  },
  {
    name: 'an empty quoted cell',
    input: '""\n"",""',
    expected: [
      [1, ''],
      [2, '', ''],
    ],
  },
  {
    name: 'every line end',
    input: 'a\r\nb\nc\rd',
    expected: [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ],
  },
  {
    name: 'empty lines, which count',
    input: '\n\na\r\n\r\nb\n',
    expected: [
      [3, 'a'],
      [5, 'b'],
    ],
  },
  {
    name: 'quotes, commas and line ends in a cell',
    input: '"a,""b""\r\nc\rd\ne",f\ng',
    expected: [
      [1, 'a,"b"\r\nc\rd\ne', 'f'],
      [5, 'g'],
    ],
  },
  {
    name: 'a quotation mark in a bare cell',
    input: 'a,b"c,d\ne',
    expected: [
      ['WRONG_QUOTES', 1, 'a'],
      [2, 'e'],
    ],
  },
  {
    name: 'text behind a quoted cell',
    input: 'a,"b"c,d\ne',
    expected: [
      ['WRONG_QUOTES', 1, 'a'],
      [2, 'e'],
    ],
  },
  {
    name: 'a quotation mark that the file never closes',
    input: 'a\nb,"c,d\ne,f\n"g"\nh',
    expected: [
      [1, 'a'],
      ['WRONG_QUOTES', 2, 'b'],
      [5, 'h'],
    ],
  },
  {
    name: 'one in the last line',
    input: 'a\r\n"b',
    expected: [
      [1, 'a'],
      ['WRONG_QUOTES', 2],
    ],
  },
  {
    name: 'one in each of the last lines',
    input: 'a\n"b\n"c\n"d\n',
    expected: [
      [1, 'a'],
      ['WRONG_QUOTES', 2],
      ['WRONG_QUOTES', 4],
    ],
  },
  {
    name: 'one that a row’s length doesn’t close',
    input: `a,"b\r\n${'c,d\r\n'.repeat(500)}e`,
    expected: [['WRONG_QUOTES', 1, 'a'], ...Array.from({ length: 500 }, (_, index) => [index + 2, 'c', 'd']), [502, 'e']],
  },
  {
    name: 'a line that is too long',
    input: `a\nb,${'c'.repeat(2000)},d\ne\n`,
    expected: [
      [1, 'a'],
      ['TOO_LONG', 2, 'b'],
      [3, 'e'],
    ],
  },
  {
    name: 'a quoted cell that is too long',
    input: `a\nb,"${'c'.repeat(2000)}",d\ne\n`,
    expected: [
      [1, 'a'],
      ['TOO_LONG', 2, 'b'],
      [3, 'e'],
    ],
  },
];

describe('a CSV, whatever pieces it comes in', () => {
  for (const { name, input, expected } of cases)
    test(`${name} is read`, () => {
      // A line that is too long is seen as such at the end of a piece.
      const sizes = name.includes('too long') ? [1, 7, 100] : [1, 2, 3, 7, 100, 1_000_000];
      for (const size of sizes) assert.deepEqual(read(input, size), expected, `in pieces of ${size}`);
    });

  test('what a writer writes is read back, for random cells', () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    const signs = ['a', 'é', '💿', ',', '"', '\n', '\r', '\r\n', ' ', '""', "'"];
    for (let round = 0; round < 300; round++) {
      const table = Array.from({ length: 1 + random(5) }, () =>
        Array.from({ length: 2 }, () => Array.from({ length: random(8) }, () => signs[random(signs.length)]).join('')),
      );
      const text = table.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join(['\n', '\r\n'][random(2)]);
      assert.deepEqual(
        read(text, 1 + random(20)).map((row) => (row as unknown[]).slice(1)),
        table,
      );
    }
  });
});
