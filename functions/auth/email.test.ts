import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Violation } from '../runtime/refusal.ts';
import { readEmail } from './email.ts';

const faultsOf = (given: string) => {
  const faults: Violation[] = [];
  readEmail(given, faults);
  return faults.map(({ path, reason }) => ({ path, reason }));
};

describe('an e-mail address', () => {
  test('is accepted in any form that people have', () => {
    for (const given of [
      'test@example.com',
      'a@b',
      'first.last+tag@sub.example.co.uk',
      "o'neil@example.com",
      'Ünïcode@bücher.example',
      '名前@例え.jp',
      `${'l'.repeat(64)}@example.com`,
      `a@${'d'.repeat(252)}`,
    ])
      assert.deepEqual(faultsOf(given), [], given);
  });

  test('is refused with NOT_AN_EMAIL where it is none', () => {
    for (const given of [
      '',
      'x',
      '@',
      'a@',
      '@b',
      'a@b@c',
      'a b@example.com',
      ' a@example.com',
      'a@example.com ',
      'a@example.com\n',
      'a\u0000@example.com',
      'a\u200b@example.com',
      'a\ud800@example.com',
      `${'l'.repeat(65)}@example.com`,
      `a@${'d'.repeat(253)}`,
      // What becomes a second @, or too long, in the form that is compared.
      'a＠b@example.com',
      `\ufdfa\ufdfa\ufdfa\ufdfa@example.com`,
    ])
      assert.deepEqual(faultsOf(given), [{ path: ['email'], reason: 'NOT_AN_EMAIL' }], JSON.stringify(given));
  });

  test('is kept as given and compared without case and in one Unicode form', () => {
    assert.equal(readEmail('Test@Example.COM', []).given, 'Test@Example.COM');
    const key = (given: string) => readEmail(given, []).key;
    assert.equal(key('Test@Example.COM'), 'test@example.com');
    assert.equal(key('jose\u0301@example.com'), key('JOS\u00c9@example.com'));
    assert.equal(key('ｔｅｓｔ@example.com'), 'test@example.com');
    assert.notEqual(key('jose@example.com'), key('jos\u00e9@example.com'));
  });
});
