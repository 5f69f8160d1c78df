import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Grade, grades, parseGrade, worstGrade } from './grades.ts';

const spellings: readonly { readonly name: string; readonly input: readonly string[]; readonly expected: Grade | undefined }[] = [
  { name: 'mint', input: ['M', ' m ', 'Mint', 'MINT', 'Mint (M)'], expected: 'M' },
  {
    name: 'near mint',
    input: ['NM', 'n m', 'Near Mint', 'near-mint', 'NearMint', 'Near Mint (NM or M-)', 'NM/M-', 'M-', 'Mint minus', 'N.M.', 'ＮＭ'],
    expected: 'NM',
  },
  { name: 'near mint minus', input: ['NM-', 'nm -', 'NM\u2212', 'Near Mint Minus', 'NM minus'], expected: 'NM-' },
  { name: 'excellent plus', input: ['EX+', 'ex +', 'Excellent plus', 'E+', 'Excellent (EX)+'.replace(' (EX)', '')], expected: 'EX+' },
  { name: 'excellent', input: ['EX', 'Excellent', 'excellent (EX)', 'E'], expected: 'EX' },
  { name: 'excellent minus', input: ['EX-', 'EX \u2013', 'Excellent Minus'], expected: 'EX-' },
  {
    name: 'very good plus',
    input: ['VG+', 'vg +', 'VG plus', 'VGplus', 'Very Good Plus', 'Very Good Plus (VG+)', 'very  good +'],
    expected: 'VG+',
  },
  { name: 'very good', input: ['VG', 'Very Good', 'Very Good (VG)', 'verygood', 'V G'], expected: 'VG' },
  { name: 'very good minus', input: ['VG-', 'Very good minus'], expected: 'VG-' },
  { name: 'good plus', input: ['G+', 'Good Plus (G+)', 'good+'], expected: 'G+' },
  { name: 'good', input: ['G', 'Good', 'Good (G)'], expected: 'G' },
  { name: 'good minus', input: ['G-', 'good-'], expected: 'G-' },
  { name: 'fair', input: ['F', 'Fair', 'Fair (F)'], expected: 'F' },
  { name: 'poor', input: ['P', 'poor', 'Poor (P)'], expected: 'P' },
  {
    name: 'no grade',
    input: ['', ' ', '()', 'X', 'VG++', 'VGG', 'A', '10', 'Generic', 'No Cover', 'Not Graded', 'constructor', '__proto__', '+', 'plus'],
    expected: undefined,
  },
  { name: 'two grades', input: ['VG/G', 'Fair or Poor', 'VG+ (VG)'], expected: undefined },
];

for (const { name, input, expected } of spellings)
  test(`${name} is read from ${input.map((text) => JSON.stringify(text)).join(', ')}`, () => {
    for (const text of input) assert.equal(parseGrade(text), expected, text);
  });

test('a canonical grade is itself', () => {
  for (const grade of grades) assert.equal(parseGrade(grade), grade);
});

test('the worst grade is the last on the scale', () => {
  assert.equal(worstGrade(['NM', 'VG-', 'VG', 'M']), 'VG-');
  assert.equal(worstGrade(['NM', 'NM-']), 'NM-');
  assert.equal(worstGrade(['M']), 'M');
  assert.equal(worstGrade([]), undefined);
});
