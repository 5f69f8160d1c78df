import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isYear, parseDate, parseTime } from './dates.ts';

const now = new Date('2024-06-01T12:00:00Z');

const dates: readonly { readonly name: string; readonly input: string; readonly expected: string | undefined }[] = [
  { name: 'a day', input: '1965-02-28', expected: '1965-02-28' },
  { name: 'a leap day', input: '2024-02-29', expected: '2024-02-29' },
  { name: 'the first', input: '1860-01-01', expected: '1860-01-01' },
  { name: 'the end of next year', input: '2025-12-31', expected: '2025-12-31' },
  { name: 'a leap day of another year', input: '2023-02-29', expected: undefined },
  { name: 'the leap day of 1900, which had none', input: '1900-02-29', expected: undefined },
  { name: 'a 31st that is not there', input: '2024-04-31', expected: undefined },
  { name: 'month 13', input: '2024-13-01', expected: undefined },
  { name: 'day 0', input: '2024-01-00', expected: undefined },
  { name: 'before records', input: '1859-12-31', expected: undefined },
  { name: 'the year after next', input: '2026-01-01', expected: undefined },
  { name: 'a month', input: '2024-01', expected: undefined },
  { name: 'a time', input: '2024-01-01T00:00:00Z', expected: undefined },
  { name: 'another order', input: '01/02/2024', expected: undefined },
  { name: 'short', input: '2024-1-1', expected: undefined },
];

for (const { name, input, expected } of dates)
  test(`a date that is ${name} (${input}) is ${expected === undefined ? 'refused' : 'taken'}`, () => {
    assert.equal(parseDate(input, now), expected);
  });

const times: readonly { readonly name: string; readonly input: string; readonly expected: string | undefined }[] = [
  { name: 'UTC', input: '2024-05-17T12:00:00Z', expected: '2024-05-17T12:00:00.000Z' },
  { name: 'an offset', input: '2024-05-17T12:00:00.5+02:00', expected: '2024-05-17T10:00:00.500Z' },
  { name: 'an offset that changes the day', input: '2024-05-17T00:30:00+05:45', expected: '2024-05-16T18:45:00.000Z' },
  { name: 'lower case', input: '2024-05-17t12:00:00z', expected: '2024-05-17T12:00:00.000Z' },
  { name: 'a space', input: '2024-05-17 12:00:00Z', expected: '2024-05-17T12:00:00.000Z' },
  { name: 'nanoseconds', input: '2024-05-17T12:00:00.123456789Z', expected: '2024-05-17T12:00:00.123Z' },
  { name: 'a leap second', input: '2016-12-31T23:59:60Z', expected: '2016-12-31T23:59:59.999Z' },
  { name: 'no offset', input: '2024-05-17T12:00:00', expected: undefined },
  { name: 'a date', input: '2024-05-17', expected: undefined },
  { name: 'hour 24', input: '2024-05-17T24:00:00Z', expected: undefined },
  { name: 'a day that is not there', input: '2023-02-29T00:00:00Z', expected: undefined },
  { name: 'before records', input: '1859-12-31T23:00:00Z', expected: undefined },
  { name: 'before records in UTC only', input: '1860-01-01T00:00:00+14:00', expected: undefined },
  { name: 'a word', input: 'yesterday', expected: undefined },
];

for (const { name, input, expected } of times)
  test(`a time with ${name} (${input}) is ${expected ?? 'refused'}`, () => {
    assert.equal(parseTime(input, now), expected);
  });

test('years go from 1860 to next year', () => {
  assert.deepEqual(
    [1859, 1860, 2024, 2025, 2026, 1965.5].map((year) => isYear(year, now)),
    [false, true, true, true, false, false],
  );
});
