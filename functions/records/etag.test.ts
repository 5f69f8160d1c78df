import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIfMatch } from './etag.ts';

const conditions: readonly { readonly name: string; readonly input: string; readonly expected: readonly number[] | undefined }[] = [
  { name: 'none', input: '', expected: undefined },
  { name: 'any', input: '*', expected: undefined },
  { name: 'bare, as in the etag field', input: '3', expected: [3] },
  { name: 'quoted, as in the header', input: '"3"', expected: [3] },
  { name: 'a list', input: '"1", "22"', expected: [1, 22] },
  { name: 'weak', input: 'W/"3"', expected: [] },
  { name: 'a list with a weak one', input: 'W/"3", "4"', expected: [4] },
  { name: 'not ours', input: '"abc"', expected: [] },
  { name: 'half quoted', input: '"3', expected: [] },
  { name: 'too large a number', input: '"9999999999999999"', expected: [] },
];

for (const { name, input, expected } of conditions)
  test(`an If-Match that is ${name} (${input}) admits ${expected === undefined ? 'everything' : JSON.stringify(expected)}`, () => {
    assert.deepEqual(parseIfMatch(input), expected);
  });
