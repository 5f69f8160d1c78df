import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bundle, buildBundles, startBundle } from '../../functions/testing/bundle.ts';
import { CreateRecord, UpdateRecord } from '../../proto/generated/records.rpc.ts';
import { connectHttp2, type Http2Client } from './clients.ts';
import { lockTables } from './locks.ts';
import { type Account, type Platform, startPlatform } from './platform.ts';

let platform: Platform;
let account: Account;

before(async () => {
  await buildBundles([CreateRecord.functionName, UpdateRecord.functionName]);
  platform = await startPlatform();
  account = await platform.newAccount();
});
after(async () => {
  await platform?.drop();
});

const start = (rpc: typeof CreateRecord | typeof UpdateRecord): Promise<Bundle> =>
  startBundle(rpc.functionName, platform.environmentOf(rpc as typeof CreateRecord));

/** Writes one record. @returns its id, where it was acknowledged; undefined where the connection broke off */
async function create(client: Http2Client, key: string): Promise<string | undefined> {
  for (;;) {
    const headers = { authorization: `Bearer ${account.token}`, 'content-type': 'application/json', 'idempotency-key': key };
    const body = JSON.stringify({ artist: 'Killed', name: key, media: [{ kind: 'VINYL', sides: [{ grade: 'VG' }] }] });
    const answer = await client.ask({ method: 'POST', path: '/api/records', headers, body }).catch(() => undefined);
    if (answer === undefined) return undefined;
    if (answer.status === 409 || answer.status === 429 || answer.status === 503) {
      // An earlier attempt still runs, or too many do: what Retry-After asks for.
      await sleep(100);
      continue;
    }
    assert.equal(answer.status, 201, answer.text);
    return answer.json.id;
  }
}

/** The ids of the records of each key. */
async function storedBy(keys: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await platform.database.sql<{ id: string; name: string }[]>`
    select id, name from records.records where name in ${platform.database.sql([...keys])}`;
  return new Map(keys.map((key) => [key, rows.filter(({ name }) => name === key).map(({ id }) => id)]));
}

/** Until no statement of a killed process runs any more. */
async function settled(): Promise<void> {
  for (;;) {
    const [row] = await platform.database.sql<{ count: number }[]>`
      select count(*)::integer as count from pg_catalog.pg_stat_activity
      where datname = ${platform.database.name} and usename = 'record_app' and state <> 'idle'`;
    if (row?.count === 0) return;
    await sleep(20);
  }
}

/** Sends every key again to a new process, and asserts that each is one record, the acknowledged one where there was one. */
async function retried(keys: readonly string[], acknowledged: ReadonlyMap<string, string>): Promise<void> {
  await settled();
  for (const [key, ids] of await storedBy(keys)) {
    assert.ok(ids.length <= 1, `${key} is there ${ids.length} times`);
    if (acknowledged.has(key)) assert.deepEqual(ids, [acknowledged.get(key)], `${key} was acknowledged`);
  }
  const bundle = await start(CreateRecord);
  const client = connectHttp2(bundle.port);
  const again = new Map(await Promise.all(keys.map(async (key) => [key, await create(client, key)] as const)));
  for (const [key, ids] of await storedBy(keys)) {
    assert.deepEqual(ids, [again.get(key)]);
    assert.equal(again.get(key), acknowledged.get(key) ?? again.get(key));
  }
  client.close();
  assert.equal(await bundle.stop(), 0);
}

test('SIGKILL while statements run: each write is there once or not at all, and its retry makes exactly one', async () => {
  const bundle = await start(CreateRecord);
  const client = connectHttp2(bundle.port);
  assert.ok(await create(client, randomUUID()));
  const locked = await lockTables(platform.database);
  const keys = Array.from({ length: 20 }, () => randomUUID());
  try {
    const asked = keys.map((key) => create(client, key));
    await locked.until(2, 'as many as the pool has connections');
    bundle.signal('SIGKILL');
    assert.equal(await bundle.ended, 'SIGKILL');
    assert.ok((await Promise.all(asked)).every((id) => id === undefined));
  } finally {
    await locked.release();
  }
  client.close();
  await retried(keys, new Map());
});

test('SIGKILL at any moment of a stream of writes: what was acknowledged is there, nothing is doubled', async (t) => {
  let acknowledgedInAll = 0;
  let lostInAll = 0;
  for (let round = 0; round < 5; round++) {
    const bundle = await start(CreateRecord);
    const client = connectHttp2(bundle.port);
    assert.ok(await create(client, randomUUID()));
    const keys = Array.from({ length: 60 }, () => randomUUID());
    const acknowledged = new Map<string, string>();
    const asked = keys.map(async (key) => {
      const id = await create(client, key);
      if (id !== undefined) acknowledged.set(key, id);
    });
    // At another point of the work each time.
    while (acknowledged.size < 1 + round * 10) await sleep(1);
    bundle.signal('SIGKILL');
    await Promise.all(asked);
    assert.equal(await bundle.ended, 'SIGKILL');
    client.close();
    acknowledgedInAll += acknowledged.size;
    lostInAll += keys.length - acknowledged.size;
    await retried(keys, acknowledged);
  }
  t.diagnostic(`${acknowledgedInAll} writes were acknowledged before the kills, ${lostInAll} were not`);
  assert.ok(lostInAll > 0, 'no kill came in time');
});

test('SIGKILL while a record is changed: it is the old one or the new one, whole', async () => {
  const recordId = await platform.newRecord(account);
  for (let round = 0; round < 4; round++) {
    const bundle = await start(UpdateRecord);
    const client = connectHttp2(bundle.port);
    const headers = { authorization: `Bearer ${account.token}`, 'content-type': 'application/json' };
    const change = (number: number) => {
      const text = `change ${round}.${number}`;
      const body = JSON.stringify({ artist: text, name: text, notes: text, aliases: [text] });
      return client.ask({ method: 'PUT', path: `/api/records/${recordId}`, headers, body }).catch(() => undefined);
    };
    assert.equal((await change(0))?.status, 200);
    const asked = Array.from({ length: 30 }, (_, number) => change(number + 1));
    await Promise.race(asked.slice(round * 5));
    bundle.signal('SIGKILL');
    await Promise.all(asked);
    await bundle.ended;
    client.close();
    await settled();
    const [row] = await platform.database.sql<{ artist: string; name: string; notes: string; aliases: string[] }[]>`
      select artist, name, notes, aliases from records.records where id = ${recordId}`;
    assert.ok(row);
    assert.match(row.artist, new RegExp(`^change ${round}\\.`));
    assert.deepEqual({ ...row }, { artist: row.artist, name: row.artist, notes: row.artist, aliases: [row.artist] });
  }
});
