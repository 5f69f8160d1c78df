import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrice, priceOfDouble } from './prices.ts';

const prices: readonly { readonly name: string; readonly input: string; readonly expected: string | undefined }[] = [
  { name: 'two decimals', input: '12.50', expected: '12.50' },
  { name: 'one decimal', input: '12.5', expected: '12.50' },
  { name: 'no decimal', input: '12', expected: '12.00' },
  { name: 'nothing', input: '0', expected: '0.00' },
  { name: 'leading zeros', input: '007.10', expected: '7.10' },
  { name: 'spaces around', input: ' 1.00 ', expected: '1.00' },
  { name: 'the largest', input: '999999999999.99', expected: '999999999999.99' },
  { name: 'one digit too many', input: '1000000000000', expected: undefined },
  { name: 'three decimals', input: '1.005', expected: undefined },
  { name: 'a sign', input: '-1.00', expected: undefined },
  { name: 'a plus', input: '+1.00', expected: undefined },
  { name: 'an exponent', input: '1e3', expected: undefined },
  { name: 'a comma', input: '1,50', expected: undefined },
  { name: 'no digit before the point', input: '.50', expected: undefined },
  { name: 'no digit after the point', input: '1.', expected: undefined },
  { name: 'a currency', input: '€ 5', expected: undefined },
  { name: 'hexadecimal', input: '0x10', expected: undefined },
  { name: 'digits of another script', input: '１２', expected: undefined },
  { name: 'not a number', input: 'NaN', expected: undefined },
];

for (const { name, input, expected } of prices)
  test(`a price with ${name} (${input}) is ${expected ?? 'refused'}`, () => {
    assert.equal(parsePrice(input), expected);
  });

const doubles: readonly { readonly name: string; readonly input: number; readonly expected: string | undefined }[] = [
  { name: 'whole', input: 12, expected: '12.00' },
  { name: 'cents', input: 19.99, expected: '19.99' },
  { name: 'what arithmetic leaves', input: 0.1 + 0.2, expected: '0.30' },
  {
    name: 'what much arithmetic leaves',
    input: Array.from({ length: 1000 }, () => 0.1).reduce((sum, part) => sum + part),
    expected: '100.00',
  },
  { name: 'zero', input: 0, expected: '0.00' },
  { name: 'negative zero', input: -0, expected: '0.00' },
  { name: 'the largest', input: 999_999_999_999.99, expected: '999999999999.99' },
  { name: 'too large', input: 1e12, expected: undefined },
  { name: 'so near to too large that it rounds up', input: 999_999_999_999.999, expected: undefined },
  { name: 'a third decimal', input: 12.345, expected: undefined },
  { name: 'half a cent', input: 0.005, expected: undefined },
  { name: 'negative', input: -5, expected: undefined },
  { name: 'not a number', input: Number.NaN, expected: undefined },
  { name: 'infinite', input: Number.POSITIVE_INFINITY, expected: undefined },
];

for (const { name, input, expected } of doubles)
  test(`a double that is ${name} (${input}) is ${expected ?? 'refused'}`, () => {
    assert.equal(priceOfDouble(input), expected);
  });

test('every price survives the way through price_paid and back', () => {
  for (const price of ['0.01', '0.07', '1.10', '8.29', '4503599627.37', '99999999999.01', '999999999999.98', '999999999999.99'])
    assert.equal(priceOfDouble(Number(price)), price);
});
