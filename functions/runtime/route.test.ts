import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetRecord, SearchRecords, UpdateRecord } from '../../proto/generated/records.rpc.ts';
import type { HttpRule } from './contract.ts';
import { Refusal } from './refusal.ts';
import { Routes } from './route.ts';

test('a variable is the decoded text of its segment', () => {
  assert.deepEqual(new Routes(GetRecord.http).match('GET', '/api/records/a%20b%2Fc'), {
    rule: GetRecord.http[0],
    values: ['a b/c'],
  });
});

test('PUT and PATCH of one path go to their own rules', () => {
  for (const [index, method] of ['PUT', 'PATCH'].entries())
    assert.deepEqual(new Routes(UpdateRecord.http).match(method, '/api/records/1'), {
      rule: UpdateRecord.http[index],
      values: ['1'],
    });
});

test('HEAD is answered as GET', () => {
  assert.deepEqual(new Routes(SearchRecords.http).match('HEAD', '/api/records'), { rule: SearchRecords.http[0], values: [] });
});

test('another method is told the methods that the path takes, HEAD with GET', () => {
  assert.deepEqual(new Routes(UpdateRecord.http).match('GET', '/api/records/1'), { allow: ['PUT', 'PATCH'] });
  assert.deepEqual(new Routes(GetRecord.http).match('POST', '/api/records/1'), { allow: ['GET', 'HEAD'] });
  assert.deepEqual(new Routes(UpdateRecord.http).match('HEAD', '/api/records/1'), { allow: ['PUT', 'PATCH'] });
});

for (const path of [
  '/api/records',
  '/api/records/',
  '/api/records/1/',
  '/api/records/1/2',
  '/API/records/1',
  'api/records/1',
  '/',
  '',
  '*',
  '//api/records/1',
])
  test(`nothing is at "${path}"`, () => {
    assert.equal(new Routes(GetRecord.http).match('GET', path), undefined);
  });

test('a segment that is not percent-encoded UTF-8 is refused as a body would be', () => {
  for (const segment of ['%', '%ff', '%zz', '%ed%a0%80'])
    assert.throws(
      () => new Routes(GetRecord.http).match('GET', `/api/records/${segment}`),
      (thrown) => thrown instanceof Refusal && thrown.reason === 'MALFORMED_BODY',
    );
});

test('a custom verb after a colon is part of its segment', () => {
  const rules: HttpRule[] = [{ method: 'POST', path: '/api/records:import', body: '*' }];
  assert.ok(new Routes(rules).match('POST', '/api/records:import'));
  assert.equal(new Routes(rules).match('POST', '/api/records'), undefined);
});
