import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { addHost } from './hosts.ts';
import { startTicks } from './proc.ts';
import { claimState, databaseUrl, stackSecrets, stackSettings } from './state.ts';

describe('the state folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-state-'));
  const settings = { ...stackSettings({}), folder };
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('secrets are made once, for their owner alone', () => {
    const secrets = stackSecrets(settings);
    assert.equal(statSync(join(folder, 'secrets.json')).mode & 0o777, 0o600);
    assert.deepEqual(stackSecrets(settings), secrets);
    for (const key of ['KEY_ENCRYPTION_KEY', 'REFRESH_TOKEN_KEY', 'PAGE_TOKEN_KEY'] as const)
      assert.equal(Buffer.from(secrets[key], 'base64').length, 32);
    assert.equal(new Set(Object.values(secrets)).size, Object.keys(secrets).length);
  });

  test('a new kind of secret joins those that are there', () => {
    const path = join(folder, 'secrets.json');
    const { PAGE_TOKEN_KEY: _, ...older } = stackSecrets(settings);
    writeFileSync(path, JSON.stringify(older));
    const { PAGE_TOKEN_KEY: added, ...rest } = stackSecrets(settings);
    assert.deepEqual(rest, older);
    assert.equal(Buffer.from(added, 'base64').length, 32);
  });

  test('secrets that others can read are refused', () => {
    const path = join(folder, 'secrets.json');
    chmodSync(path, 0o644);
    assert.throws(() => stackSecrets(settings), /chmod 600/);
    chmodSync(path, 0o600);
  });

  test('a password with any character fits into a connection URL', () => {
    const secrets = { ...stackSecrets(settings), auth_app: 'a/b+c=?@:' };
    assert.equal(decodeURIComponent(new URL(databaseUrl('auth_app', secrets, 6432)).password), 'a/b+c=?@:');
  });

  test('one stack at a time works on it; what a dead one left does not count', () => {
    const release = claimState(settings);
    release();
    const other = spawn('sleep', ['60']);
    try {
      const owner = join(folder, 'owner.json');
      writeFileSync(owner, JSON.stringify({ pid: other.pid, ticks: startTicks(other.pid ?? 0) }));
      assert.throws(() => claimState(settings), new RegExp(`process ${other.pid} \\(sleep 60\\)`));
      writeFileSync(owner, JSON.stringify({ pid: other.pid, ticks: '1' }));
      claimState(settings)();
    } finally {
      other.kill('SIGKILL');
    }
  });

  test('a setting that is no port is named', () => {
    assert.throws(() => stackSettings({ RECORD_PLATFORM_EDGE_PORT: 'https' }), /RECORD_PLATFORM_EDGE_PORT must be a whole number/);
  });

  test('the hosts file gets its line once, on a line of its own', () => {
    const hosts = join(folder, 'hosts');
    writeFileSync(hosts, '127.0.0.1 localhost\n# 127.0.0.1 record.local\n10.0.0.1 other.record.local');
    assert.equal(addHost(hosts), true);
    assert.equal(addHost(hosts), false);
    assert.equal(
      readFileSync(hosts, 'utf8'),
      '127.0.0.1 localhost\n# 127.0.0.1 record.local\n10.0.0.1 other.record.local\n127.0.0.1 record.local\n',
    );
  });
});
