import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../runtime/refusal.ts';
import { readPageToken, signPageToken } from './page-token.ts';

const key = Buffer.alloc(32, 1);
const list = { userId: '0190c0de-0000-7000-8000-000000000001', query: 'miles', filters: { label: 'ecm' }, order: 'RELEVANCE' };
const position = { stage: 0, sortKey: '2000', createdAt: '2024-05-17T12:00:00.123Z', id: '0190c0de-0000-7000-8000-00000000000f' };
const token = signPageToken(key, list, position);

const isMalformed = (error: unknown) => error instanceof Refusal && error.reason === 'MALFORMED_PAGE_TOKEN';

test('a page token gives its position back', () => {
  assert.deepEqual(readPageToken(key, list, token), position);
  assert.match(token, /^[\w-]+$/);
});

const others = [
  { name: 'another caller', input: { ...list, userId: '0190c0de-0000-7000-8000-000000000002' } },
  { name: 'another query', input: { ...list, query: 'mile' } },
  { name: 'other filters', input: { ...list, filters: { label: 'ec' } } },
  { name: 'no filters', input: { ...list, filters: {} } },
  { name: 'another order', input: { ...list, order: 'NEWEST' } },
  { name: 'a boundary that has moved', input: { ...list, query: 'miles{', filters: 'label' as unknown as object } },
];

for (const { name, input } of others)
  test(`a page token is refused for ${name}`, () => {
    assert.throws(() => readPageToken(key, input, token), isMalformed);
  });

test('a page token is refused when any character of it has changed, and under another key', () => {
  for (let index = 0; index < token.length; index++) {
    const changed = token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1);
    assert.throws(() => readPageToken(key, list, changed), isMalformed, String(index));
  }
  assert.throws(() => readPageToken(Buffer.alloc(32, 2), list, token), isMalformed);
});

test('what was never a page token is refused', () => {
  for (const text of ['x', 'AAAA', `${token}=`, `${token}A`, token.slice(0, -1), ' ', '\n', token.slice(0, 21), '💿'.repeat(20)])
    assert.throws(() => readPageToken(key, list, text), isMalformed, text);
});
