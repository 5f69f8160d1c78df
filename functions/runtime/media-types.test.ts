import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Field } from './contract.ts';
import { mediaOf, valueOfAccept, valueOfContentType } from './media-types.ts';

const field: Field = {
  name: 'format',
  json: 'format',
  kind: 'enum',
  values: ['UNSPECIFIED', 'CSV', 'LINES'],
  mediaTypes: ['', 'text/csv', 'application/x-ndjson'],
  extensions: ['', 'csv', 'jsonl'],
};

const contentTypes: readonly { input: string | undefined; expected: string | undefined }[] = [
  { input: 'text/csv', expected: 'CSV' },
  { input: ' Text/CSV ; header=present', expected: 'CSV' },
  { input: 'text/csv; charset=UTF-8', expected: 'CSV' },
  { input: 'text/csv;charset="utf8"', expected: 'CSV' },
  { input: 'application/x-ndjson', expected: 'LINES' },
  { input: 'text/csv; charset=iso-8859-1', expected: undefined },
  { input: 'text/plain', expected: undefined },
  { input: '', expected: undefined },
  { input: undefined, expected: undefined },
];
for (const { input, expected } of contentTypes)
  test(`Content-Type ${input} is ${expected}`, () => assert.equal(valueOfContentType(field, input), expected));

const accepts: readonly { input: string | undefined; expected: string | undefined }[] = [
  { input: undefined, expected: 'CSV' },
  { input: '*/*', expected: 'CSV' },
  { input: 'application/*', expected: 'LINES' },
  { input: 'application/x-ndjson', expected: 'LINES' },
  { input: 'text/csv;q=0.1, application/x-ndjson', expected: 'LINES' },
  { input: 'text/csv;q=0, */*', expected: 'LINES' },
  { input: 'text/html, */*;q=0.1', expected: 'CSV' },
  { input: 'text/csv;q=0', expected: undefined },
  { input: 'application/json', expected: undefined },
];
for (const { input, expected } of accepts)
  test(`Accept ${input} likes ${expected} best`, () => assert.equal(valueOfAccept(field, input), expected));

test('a value has its media type and ending; the zero value those of the first that has any', () => {
  assert.deepEqual(mediaOf(field, 'LINES'), { type: 'application/x-ndjson', extension: 'jsonl' });
  assert.deepEqual(mediaOf(field, 'UNSPECIFIED'), { type: 'text/csv', extension: 'csv' });
  assert.deepEqual(mediaOf(undefined, undefined), { type: 'application/octet-stream', extension: 'bin' });
});
