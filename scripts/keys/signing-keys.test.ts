import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type TestDatabase, testDatabase } from '../../functions/testing/database.ts';
import { ensureSigningKey, type KeyStore, listSigningKeys, publishSeconds, rotateSigningKey } from './signing-keys.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../keys.ts', import.meta.url));

describe('signing keys', () => {
  let database: TestDatabase;
  let store: KeyStore;
  before(async () => {
    database = await testDatabase();
    store = { url: database.direct.migratorUrl, keyEncryptionKey: randomBytes(32) };
  });
  beforeEach(() => database.sql`delete from auth.signing_keys`);
  after(() => database?.drop());

  const states = async () => (await listSigningKeys(store)).map(({ kid, state }) => [kid, state]);
  const pass = (seconds: number) => database.sql`update auth.signing_keys set
    active_from = active_from - make_interval(secs => ${seconds}), retire_at = retire_at - make_interval(secs => ${seconds})`;
  const published = async () => (await database.sql`select jwk->>'kid' as kid from auth.verification_keys()`).map(({ kid }) => kid);
  const signing = async () => (await database.sql`select kid from auth.signing_key()`)[0]?.kid;

  test('ensure makes one key, however many ask at once, and then none', async () => {
    for (let round = 0; round < 10; round++) {
      await database.sql`delete from auth.signing_keys`;
      const made = await Promise.all(Array.from({ length: 3 }, () => ensureSigningKey(store)));
      assert.equal(made.filter((kid) => kid !== undefined).length, 1);
      assert.equal((await states()).length, 1);
    }
    assert.equal(await ensureSigningKey(store), undefined);
  });

  test('a rotation publishes the next key, then signs with it, then drops the one before', async () => {
    const first = await ensureSigningKey(store);
    const second = await rotateSigningKey(store);
    assert.deepEqual(await states(), [
      [second, 'next'],
      [first, 'signs'],
    ]);
    assert.deepEqual(await published(), [first, second]);
    assert.equal(await signing(), first);
    await pass(publishSeconds);
    assert.deepEqual(await states(), [
      [second, 'signs'],
      [first, 'verifies'],
    ]);
    assert.deepEqual(await published(), [first, second]);
    // The last token that the first key signed lives 15 minutes; clocks differ by half a minute.
    await pass(15 * 60 + 30);
    assert.deepEqual(await published(), [first, second]);
    await pass(5 * 60);
    assert.deepEqual(await published(), [second]);
    assert.deepEqual(await states(), [
      [second, 'signs'],
      [first, 'retired'],
    ]);
  });

  test('two rotations in a row leave a key that signs at every moment', async () => {
    await ensureSigningKey(store);
    await rotateSigningKey(store);
    await pass(60);
    await rotateSigningKey(store);
    for (let minute = 0; minute < 60; minute++) {
      const kid = await signing();
      assert.ok((await published()).includes(kid), `minute ${minute}`);
      await pass(60);
    }
  });

  test('a compromised key is dropped at once, and the waiting one with it', async () => {
    await ensureSigningKey(store);
    await rotateSigningKey(store);
    const fresh = await rotateSigningKey(store, { compromised: true });
    assert.deepEqual(await published(), [fresh]);
    assert.equal(await signing(), fresh);
  });

  test('npm run keys: ensure, rotate and list from the command line; 2 for wrong usage, 1 for a missing setting', async () => {
    const env = { PATH: process.env.PATH, MIGRATOR_DATABASE_URL: store.url, KEY_ENCRYPTION_KEY: store.keyEncryptionKey.toString('base64') };
    const keys = (...words: string[]) => run(process.execPath, [program, ...words], { env });
    const first = (await keys('ensure')).stdout.trim();
    assert.equal((await keys('ensure')).stdout, 'a key signs already\n');
    const second = (await keys('rotate')).stdout.trim();
    const { stdout } = await keys('list');
    assert.match(stdout, new RegExp(`^${second}  ES256  next .*\n${first}  ES256  signs .*\n$`));
    for (const words of [[], ['x'], ['list', '--compromised']]) await assert.rejects(keys(...words), { code: 2 });
    const bare = (more: Record<string, string>) => run(process.execPath, [program, 'list'], { env: { PATH: process.env.PATH, ...more } });
    await assert.rejects(bare({ MIGRATOR_DATABASE_URL: store.url }), { code: 1, stderr: /KEY_ENCRYPTION_KEY is missing/ });
    await assert.rejects(bare({ RECORD_PLATFORM_STATE: '/nowhere' }), { code: 1, stderr: /no local stack yet/ });
  });
});
