import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { readFunctions } from '../../knative/manifests/read-functions.ts';
import type { Manifest } from '../../knative/manifests/render.ts';
import { secretName } from '../../knative/manifests/service.ts';
import { scramMatches } from '../db/scram.ts';
import { missingSecrets, type PlatformSecrets } from './secrets.ts';

const none: PlatformSecrets = {
  auth: undefined,
  records: undefined,
  postgres: undefined,
  pgbouncer: undefined,
  migrate: undefined,
  edge: undefined,
};

/** What a cluster holds after these were applied to it. */
function applied(manifests: readonly Manifest[], before: PlatformSecrets = none): PlatformSecrets {
  const keys: Record<string, keyof PlatformSecrets> = {
    'auth-secrets': 'auth',
    'records-secrets': 'records',
    'postgres-superuser': 'postgres',
    'pgbouncer-users': 'pgbouncer',
    migrate: 'migrate',
    'edge-root': 'edge',
  };
  const decoded = manifests.map(({ metadata, data }): [keyof PlatformSecrets, Record<string, string>] => [
    keys[metadata.name] ?? assert.fail(metadata.name),
    Object.fromEntries(
      Object.entries(data as Record<string, string>).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    ),
  ]);
  return { ...before, ...Object.fromEntries(decoded) };
}

/** Everybody's passwords and verifiers belong together. */
function assertFits({ auth, records, migrate, pgbouncer }: PlatformSecrets): void {
  for (const [values, role] of [
    [auth, 'auth_app'],
    [records, 'record_app'],
  ] as const) {
    const url = new URL(values?.DATABASE_URL ?? '');
    assert.deepEqual([url.username, url.host], [role, 'pgbouncer.record-platform-data.svc.cluster.local:6432']);
    const verifier = migrate?.[`${role.toUpperCase()}_VERIFIER`] ?? '';
    assert.ok(scramMatches(verifier, decodeURIComponent(url.password)), role);
    assert.ok(pgbouncer?.['userlist.txt']?.includes(`"${role}" "${verifier}"\n`), role);
  }
  assert.equal(auth?.KEY_ENCRYPTION_KEY, migrate?.KEY_ENCRYPTION_KEY);
}

describe('the platform’s secrets', () => {
  test('are made once: a second deploy changes none', async () => {
    const made = await missingSecrets(none, 'local');
    assert.equal(made.length, 6);
    const present = applied(made);
    assertFits(present);
    assert.deepEqual(await missingSecrets(present, 'local'), []);
    assert.ok(new X509Certificate(present.edge?.['tls.crt'] ?? '').ca);
  });

  test('hold every variable that a function does not start without, and no package has another’s', async () => {
    const { auth, records } = applied(await missingSecrets(none, 'local'));
    for (const { name, package: packageName, secrets } of await readFunctions(new URL('../..', import.meta.url).pathname)) {
      const values = secretName(packageName) === 'auth-secrets' ? auth : records;
      for (const variable of secrets) assert.ok(values?.[variable], `${name} ${variable}`);
    }
    assert.equal(records?.KEY_ENCRYPTION_KEY, undefined);
    assert.equal(auth?.PAGE_TOKEN_KEY, undefined);
  });

  for (const lost of ['auth', 'records', 'pgbouncer', 'migrate', 'edge'] as const)
    test(`where ${lost}’s is deleted it is made anew, and all who know it follow`, async () => {
      const before = applied(await missingSecrets(none, 'local'));
      const after = applied(await missingSecrets({ ...before, [lost]: undefined }, 'local'), { ...before, [lost]: undefined });
      assertFits(after);
      // What seals the signing keys in the database survives both of its places alone.
      assert.equal(after.auth?.KEY_ENCRYPTION_KEY, before.auth?.KEY_ENCRYPTION_KEY);
      if (lost !== 'edge') assert.deepEqual(after.edge, before.edge);
    });

  test('in production the database is elsewhere: how migrations reach it must be said, the rest is made', async () => {
    await assert.rejects(missingSecrets(none, 'production'), /create secret generic migrate --from-literal=ADMIN_DATABASE_URL=/);
    const said = { ...none, migrate: { ADMIN_DATABASE_URL: 'postgres://postgres:p%2Fw@postgres.example.com:5432/record_platform' } };
    const made = await missingSecrets(said, 'production');
    assert.deepEqual(made.map(({ metadata }) => metadata.name).sort(), ['auth-secrets', 'migrate', 'pgbouncer-users', 'records-secrets']);
    const present = applied(made, said);
    assertFits(present);
    assert.match(present.migrate?.DATABASE_URL ?? '', /^postgres:\/\/record_migrator:.+@postgres\.example\.com:5432\/record_platform$/);
    assert.deepEqual(await missingSecrets(present, 'production'), []);
  });
});
