import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, test } from 'node:test';
import * as bcrypt from '@node-rs/bcrypt';
import { Refusal, type Violation } from '../runtime/refusal.ts';
import { checkNewPassword, createPasswords } from './passwords.ts';

const cost = 10;
const passwords = createPasswords({ cost });

/** Each password of a pair must be accepted for a hash of the other, or not. */
async function sameSecret(one: string, two: string): Promise<boolean> {
  return await passwords.verify(two, await passwords.hash(one));
}

/** bcrypt as it is, but each hash waits until the test lets it go. */
function heldBcrypt() {
  const held: (() => void)[] = [];
  const hold = <T>(result: T) => new Promise<T>((resolve) => held.push(() => resolve(result)));
  return { held, load: async () => ({ hash: () => hold('a hash'), verify: () => hold(true) }) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const isRefused = (reason: string) => (error: unknown) => error instanceof Refusal && error.reason === reason;

describe('the length of a new password', () => {
  const reasons = (password: string, lengthMin = 8) => {
    const faults: Violation[] = [];
    checkNewPassword(password, lengthMin, faults);
    return faults.map(({ path, reason }) => `${path.join('.')} ${reason}`);
  };
  for (const { name, password, lengthMin, expected } of [
    { name: '8 letters', password: 'abcdefgh', expected: [] },
    { name: '7 letters', password: 'abcdefg', expected: ['password TOO_SHORT'] },
    { name: '7 letters where the setting is 7', password: 'test123', lengthMin: 7, expected: [] },
    { name: '8 emoji, 16 UTF-16 units', password: '🎵'.repeat(8), expected: [] },
    { name: '7 emoji, though 14 UTF-16 units and 28 bytes', password: '🎵'.repeat(7), expected: ['password TOO_SHORT'] },
    { name: '4 letters with combining accents, which are 4 characters', password: 'e\u0301'.repeat(4), expected: ['password TOO_SHORT'] },
    { name: '256 emoji', password: '🎵'.repeat(256), expected: [] },
    { name: '257 emoji', password: '🎵'.repeat(257), expected: ['password TOO_LONG'] },
    { name: 'spaces count', password: ' '.repeat(8), expected: [] },
  ])
    test(name, () => assert.deepEqual(reasons(password, lengthMin), expected));
});

describe('passwords', () => {
  test('the stored hash is bcrypt of the cost that is asked, with a salt of its own', async () => {
    const [one, two] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
    assert.match(one, /^\$2b\$10\$.{53}$/);
    assert.notEqual(one, two);
    assert.equal(await bcrypt.verify('correct horse', one), false, 'the password itself must not reach bcrypt');
  });

  test('the right one is accepted and another one is not', async () => {
    assert.equal(await sameSecret('correct horse', 'correct horse'), true);
    assert.equal(await sameSecret('correct horse', 'Correct horse'), false);
  });

  test('nothing is truncated: long passwords that share their first 72 bytes, or 255 characters, differ', async () => {
    const shared = 'x'.repeat(72);
    assert.equal(await sameSecret(`${shared}one`, `${shared}two`), false);
    assert.equal(await sameSecret(`${'🎵'.repeat(255)}a`, `${'🎵'.repeat(255)}b`), false);
    assert.equal(await sameSecret(`before\0one`, `before\0two`), false);
  });

  test('a password is the same however its accents are encoded (NFKC)', async () => {
    assert.equal(await sameSecret('caf\u00e9 noir', 'cafe\u0301 noir'), true);
    assert.equal(await sameSecret('ﬁne grooves', 'fine grooves'), true);
    assert.equal(await sameSecret('cafe noir', 'caf\u00e9 noir'), false);
  });

  test('without an account one hash of the same cost is computed too, and the answer is false', async () => {
    const seen: string[] = [];
    const counting = createPasswords({
      cost,
      load: async () => ({
        hash: bcrypt.hash,
        verify: (password, stored) => {
          seen.push(String(stored));
          return bcrypt.verify(password, stored);
        },
      }),
    });
    assert.equal(await counting.verify('test1234', undefined), false);
    assert.equal(seen.length, 1);
    // bcrypt answers at once where it can't read a hash; this one it reads, and so works through.
    assert.deepEqual(bcrypt.parseOptions(seen[0] as string), { version: '2b', cost });
  });

  test('a wrong password and no account take the same time', async () => {
    const stored = await passwords.hash('test1234');
    const times = { wrong: [] as number[], nobody: [] as number[] };
    for (let n = 0; n < 9; n++) {
      for (const [kind, hash] of [['wrong', stored] as const, ['nobody', undefined] as const]) {
        const startedAt = performance.now();
        await passwords.verify('another one', hash);
        times[kind].push(performance.now() - startedAt);
      }
    }
    const median = (values: number[]) => values.sort((a, b) => a - b)[4] as number;
    const ratio = median(times.nobody) / median(times.wrong);
    assert.ok(ratio > 0.6 && ratio < 1.7, `nobody / wrong = ${ratio}`);
  });

  test('hashing leaves the event loop free', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await createPasswords({ cost: 12 }).hash('test1234');
    clearInterval(timer);
    assert.ok(turns > 10, `${turns} turns of the event loop during a hash of about 200 ms`);
  });

  test('a hash of a lower cost is outdated, one of the same or a higher cost is not', async () => {
    const stored = await passwords.hash('test1234');
    assert.deepEqual(
      [9, 10, 11].map((asked) => createPasswords({ cost: asked }).outdated(stored)),
      [false, false, true],
    );
  });
});

describe('the queue before hashing', () => {
  test('a few run at once, a bounded number waits in order, and who comes then is refused with TOO_BUSY and a Retry-After', async () => {
    const { held, load } = heldBcrypt();
    const busy = createPasswords({ cost, load });
    const done: number[] = [];
    const accepted: Promise<void>[] = [];
    let refused: unknown;
    for (let n = 0; refused === undefined && n < 1000; n++) {
      const hashing = busy.hash(`password ${n}`).then(() => void done.push(n));
      const outcome = await Promise.race([hashing.catch((error) => error), turn()]);
      if (outcome instanceof Error) refused = outcome;
      else accepted.push(hashing);
    }
    assert.ok(isRefused('TOO_BUSY')(refused));
    assert.equal((refused as Refusal).retryAfterSeconds, 1);
    assert.ok(held.length <= 2, `${held.length} at once`);
    assert.equal(accepted.length, held.length * 17);
    while (done.length < accepted.length) {
      held.shift()?.();
      await turn();
    }
    assert.deepEqual(
      done,
      [...done].sort((a, b) => a - b),
    );
    const again = busy.hash('there is room again');
    await turn();
    held.shift()?.();
    assert.equal(await again, 'a hash');
  });

  test('who goes away while waiting costs no hash', async () => {
    const { held, load } = heldBcrypt();
    const busy = createPasswords({ cost, load });
    const running = [busy.hash('one'), busy.hash('two')];
    await turn();
    const leaving = new AbortController();
    const waiting = busy.hash('three', leaving.signal);
    leaving.abort(new Error('the client went away'));
    await assert.rejects(waiting, /went away/);
    const hashes = held.length;
    for (const release of held.splice(0)) release();
    await turn();
    for (const release of held.splice(0)) release();
    await Promise.all(running);
    assert.ok(hashes <= 2 && held.length === 0, 'nothing was hashed for whoever left');
    await assert.rejects(busy.hash('four', leaving.signal), /went away/);
  });

  test('a failed hash gives its place to the next', async () => {
    let calls = 0;
    const failing = createPasswords({
      cost,
      load: async () => ({
        hash: async () => {
          calls += 1;
          throw new Error('out of memory');
        },
        verify: async () => false,
      }),
    });
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => failing.hash('test1234')));
    assert.equal(calls, 10);
    assert.ok(results.every(({ status }) => status === 'rejected'));
  });
});
