import assert from 'node:assert/strict';
import { test } from 'node:test';
import postgres from 'postgres';
import { bootstrap } from './bootstrap.ts';
import { isScramVerifier, scramMatches, scramVerifier } from './scram.ts';
import { startTestServers } from './test-servers.ts';

test('a verifier is that of RFC 7677, and only its own password matches', () => {
  const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
  assert.equal(
    verifier,
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
  assert.ok(scramMatches(verifier, 'pencil'));
  assert.ok(!scramMatches(verifier, 'pencils'));
  assert.ok(!scramMatches(null, 'pencil'));
  assert.ok(isScramVerifier(verifier));
  for (const text of ['pencil', '', `${verifier}x`, verifier.slice(0, -1), "SCRAM-SHA-256$1:a'$b:c"])
    assert.ok(!isScramVerifier(text), text);
});

test('bootstrapping again changes nothing but a changed password', async () => {
  const servers = await startTestServers();
  try {
    const url = servers.postgresUrl;
    const first = await bootstrap({ url, passwords: servers.passwords });
    assert.deepEqual(await bootstrap({ url, passwords: servers.passwords }), first);
    const second = await bootstrap({ url, passwords: { ...servers.passwords, record_app: 'another' } });
    assert.equal(second.auth_app, first.auth_app);
    assert.notEqual(second.record_app, first.record_app);
    const address = new URL(url);
    address.username = 'record_app';
    address.password = 'another';
    const sql = postgres(address.href, { max: 1, fetch_types: false });
    assert.deepEqual([...(await sql`select current_user::text as role`)], [{ role: 'record_app' }]);
    await sql.end();
    const verifier = scramVerifier('a third');
    const third = await bootstrap({ url, passwords: { ...servers.passwords, record_app: verifier } });
    assert.equal(third.record_app, verifier, 'a verifier is stored as it is given');
    await bootstrap({ url, passwords: { ...servers.passwords, record_app: 'another' } });
    // PgBouncer reads the new verifier without a restart.
    servers.pgbouncer.setUsers(second);
  } finally {
    await servers.stop();
  }
});
