import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { isOpenToAll, ownedFile, ownedFolder, reachable } from './account.ts';

describe('what the database’s own user can reach', () => {
  const base = mkdtempSync(join(tmpdir(), 'record-platform-account-'));
  chmodSync(base, 0o755);
  after(() => rmSync(base, { recursive: true, force: true }));
  const account = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, name: 'somebody' };

  const closed = join(base, 'closed');
  mkdirSync(join(closed, 'programs/bin'), { recursive: true });
  writeFileSync(join(closed, 'programs/bin/postgres'), 'x', { mode: 0o755 });
  symlinkSync('postgres', join(closed, 'programs/bin/postmaster'));
  chmodSync(closed, 0o700);

  test('a folder below a closed one is not open to all', () => {
    assert.equal(isOpenToAll(base), true);
    assert.equal(isOpenToAll(join(closed, 'programs')), false);
  });

  test('programs below a closed folder are copied once, with their links and rights', () => {
    const copy = reachable(join(closed, 'programs'), account, join(base, 'copies'), 'programs-1');
    assert.equal(copy, join(base, 'copies/programs-1'));
    assert.equal(statSync(join(copy, 'bin/postgres')).mode & 0o777, 0o755);
    assert.equal(readlinkSync(join(copy, 'bin/postmaster')), 'postgres');
    assert.equal(isOpenToAll(copy), true);
    writeFileSync(join(copy, 'kept'), '');
    assert.equal(reachable(join(closed, 'programs'), account, join(base, 'copies'), 'programs-1'), copy);
    assert.ok(statSync(join(copy, 'kept')));
  });

  test('programs that can be reached, or that this very user runs, stay where they are', () => {
    assert.equal(reachable(base, account, join(base, 'copies'), 'x'), base);
    assert.equal(reachable(join(closed, 'programs'), undefined, join(base, 'copies'), 'x'), join(closed, 'programs'));
  });

  test('its files and folders are for it alone', () => {
    const folder = ownedFolder(join(base, 'own'), account);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    ownedFile(join(folder, 'userlist.txt'), 'secret', account);
    assert.equal(statSync(join(folder, 'userlist.txt')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(folder, 'userlist.txt'), 'utf8'), 'secret');
  });
});
