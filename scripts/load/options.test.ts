import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readOptions } from './options.ts';

const now = new Date('2026-01-02T03:04:05Z');
const read = (line: string) => readOptions(line.split(' ').filter(Boolean), now);

describe('the command line of npm run load', () => {
  test('has what each scenario needs without being told', () => {
    assert.deepEqual(read('--scenario burst')?.mix, { get: 1 });
    assert.equal(read('--scenario ramp')?.seconds, 120);
    assert.match(read('--scenario steady')?.out ?? '', /load\/steady-2026-01-02T03\.04\.05$/);
    assert.equal(read('--help'), undefined);
  });

  test('takes a mix', () => assert.deepEqual(read('--scenario steady --mix get=3,login=0.5')?.mix, { get: 3, login: 0.5 }));

  for (const { line, says } of [
    { line: '', says: /--scenario takes one of steady, ramp, burst, from-zero, rollout/ },
    { line: '--scenario storm', says: /--scenario takes one of/ },
    { line: '--scenario steady --rate', says: /--rate/ },
    { line: '--scenario steady --rate fast', says: /--rate takes a number from 0.1 to 20000/ },
    { line: '--scenario steady --seconds 99999', says: /--seconds takes a number from 1 to 3600/ },
    { line: '--scenario steady --seconds 1.5', says: /--seconds takes a whole number/ },
    { line: '--scenario steady --rate 20000 --seconds 3600', says: /more than 1000000 requests/ },
    { line: '--scenario steady --mix fetch=1', says: /--mix takes KIND=NUMBER/ },
    { line: '--scenario steady --mix get=0', says: /--mix needs a number above 0/ },
    { line: '--scenario steady --target http://record.local', says: /is no https:/ },
    { line: '--scenario rollout', says: /rollout needs --during/ },
    { line: '--scenario steady --during true', says: /no other scenario takes one/ },
    { line: '--scenario steady more', says: /Unexpected argument/ },
  ])
    test(`refuses "${line}"`, () => assert.throws(() => read(line), says));
});
