import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCurrency } from './currencies.ts';

const currencies: readonly { readonly name: string; readonly input: string; readonly expected: string | undefined }[] = [
  { name: 'a code', input: 'EUR', expected: 'EUR' },
  { name: 'lower case', input: 'jpy', expected: 'JPY' },
  { name: 'what the euro replaced', input: 'DEM', expected: 'DEM' },
  { name: 'no currency', input: 'ZZZ', expected: undefined },
  { name: 'a sign', input: '€', expected: undefined },
  { name: 'a word', input: 'euro', expected: undefined },
];

for (const { name, input, expected } of currencies)
  test(`${name} (${input}) is ${expected ?? 'refused'}`, () => {
    assert.equal(parseCurrency(input), expected);
  });
