import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bundle, buildBundles, startBundle } from '../../functions/testing/bundle.ts';
import { CreateRecord } from '../../proto/generated/records.rpc.ts';
import { startTestServers, type TestServers } from '../db/test-servers.ts';
import { type Account, type Platform, startPlatform } from './platform.ts';

// Whatever was acknowledged is there, once, though every process of the way is killed again and again while it is written. A kill leaves to
// the kernel what a process has given to it: that it survives a power cut too is what fsync promises, and no test of processes shows.

const rounds = 10;
const writesPerRound = 1_000;
const writers = 16;

/** As in production, where test servers otherwise wait for no disk. */
const durable = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };

let servers: TestServers;
let platform: Platform;
let account: Account;
/** Two processes of the function, as two instances. */
let instances: Bundle[];

before(async () => {
  await buildBundles([CreateRecord.functionName]);
  servers = await startTestServers({ postgres: durable });
  Object.assign(process.env, servers.environment);
  platform = await startPlatform();
  account = await platform.newAccount();
  instances = await Promise.all([start(), start()]);
});
after(async () => {
  await Promise.all((instances ?? []).map((instance) => instance.stop()));
  await platform?.drop();
  await servers?.stop();
});

const start = (): Promise<Bundle> => startBundle(CreateRecord.functionName, platform.environmentOf(CreateRecord as never));

/** One try. @returns the id, where it was acknowledged; undefined where it was refused for now, or nobody knows */
async function tryOnce(key: string, instance: Bundle): Promise<string | undefined> {
  try {
    const response = await fetch(`${instance.origin}/api/records`, {
      method: 'POST',
      headers: { authorization: `Bearer ${account.token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ artist: 'Loss', name: key }),
    });
    const answer = (await response.json()) as { id?: string; code?: string };
    if (response.status === 201) return answer.id;
    assert.ok([409, 429, 500, 503, 504].includes(response.status), `${response.status} ${JSON.stringify(answer)}`);
    assert.notEqual(response.status, 500, JSON.stringify(answer));
    return undefined;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return undefined; // refused, reset, or cut off in the answer
  }
}

/** What clients were told: the id of each key. */
const acknowledged = new Map<string, string>();
let retries = 0;

/** Writes one record as a good client does: with the same key again, at whichever instance, until it is acknowledged. */
async function write(lane: number): Promise<void> {
  const key = randomUUID();
  for (let tries = 0; ; tries++) {
    const id = await tryOnce(key, instances[(lane + tries) % instances.length] as Bundle);
    if (id !== undefined) {
      acknowledged.set(key, id);
      return;
    }
    retries += 1;
    await sleep(20 + Math.random() * 80);
  }
}

/** The server's processes, all at once: nobody is left to write what another knew. */
function killPostgres(): void {
  const { pid } = servers.postgres;
  const children = globSync('/proc/[0-9]*/stat').flatMap((file) => {
    try {
      const [, child, parent] = /^(\d+) \(.*\) \S (\d+)/s.exec(readFileSync(file, 'utf8')) ?? [];
      return Number(parent) === pid ? [Number(child)] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
  for (const each of [pid, ...children]) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

const kills: Record<string, () => Promise<void>> = {
  PostgreSQL: async () => {
    killPostgres();
    await servers.postgres.ended;
    await servers.restartPostgres();
  },
  PgBouncer: async () => {
    process.kill(servers.pgbouncer.pid, 'SIGKILL');
    await servers.pgbouncer.ended;
    await servers.restartPgBouncer();
  },
  'the function': async () => {
    const [first, second] = instances as [Bundle, Bundle];
    first.signal('SIGKILL');
    await first.ended;
    instances = [second, await start()];
  },
};

test(`${rounds * writesPerRound} acknowledged writes with PostgreSQL, PgBouncer and the function killed ${rounds} times each: all are there, once`, {
  timeout: 600_000,
}, async (t) => {
  const began = performance.now();
  for (let round = 1; round <= rounds; round++) {
    let left = writesPerRound;
    const lanes = Array.from({ length: writers }, async (_, lane) => {
      while (left-- > 0) await write(lane);
    });
    for (const [index, kill] of Object.values(kills).entries()) {
      // In the middle of the writing, at another point of it each time.
      const from = (round - 1) * writesPerRound + 100 + index * 250 + round * 7;
      while (acknowledged.size < from) await sleep(1);
      await kill();
    }
    await Promise.all(lanes);
  }
  const seconds = (performance.now() - began) / 1000;
  const { sql } = platform.database;
  const rows = await sql<{ id: string; name: string }[]>`select id, name from records.records where artist = 'Loss'`;
  const stored = new Map<string, string[]>();
  for (const { id, name } of rows) stored.set(name, [...(stored.get(name) ?? []), id]);
  const lost = [...acknowledged].filter(([key, id]) => !stored.get(key)?.includes(id));
  const doubled = [...stored].filter(([, ids]) => ids.length > 1);
  t.diagnostic(
    `${acknowledged.size} acknowledged in ${seconds.toFixed(1)} s with ${rounds * 3} kills and ${retries} tries that failed; ${rows.length} stored, ${lost.length} lost, ${doubled.length} doubled`,
  );
  assert.equal(acknowledged.size, rounds * writesPerRound);
  assert.deepEqual({ lost, doubled }, { lost: [], doubled: [] });
  assert.equal(rows.length, acknowledged.size, 'nothing is there that nobody was told of');
  assert.ok(retries > rounds, 'the kills were met by writes');
  // And a client that asks once more is told the same.
  for (const [key, id] of [...acknowledged].filter((_, index) => index % 500 === 0))
    assert.equal(await tryOnce(key, instances[0] as Bundle), id);
});

test('what was killed ran as in production', async () => {
  const [row] = await platform.database.sql`select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
    current_setting('full_page_writes') as pages, current_setting('data_checksums') as checksums`;
  assert.deepEqual({ ...row }, { fsync: 'on', commit: 'on', pages: 'on', checksums: 'on' });
});
