import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestServers, type TestServers } from '../../scripts/db/test-servers.ts';
import { type Database, openDatabase } from './database.ts';
import { type Refusal, refuse } from './refusal.ts';

// Servers of its own, because it kills them.
let servers: TestServers;
let opened: Database;
const changes: boolean[] = [];
before(async () => {
  servers = await startTestServers();
  const name = await servers.freshDatabase();
  opened = openDatabase({
    url: `postgres://record_app:${servers.passwords.record_app}@127.0.0.1:${servers.pgbouncerPort}/${name}`,
    prepare: true,
    poolMax: 2,
    applicationName: 'faults',
    onChange: (reachable) => changes.push(reachable),
  });
});
after(async () => {
  await opened.close();
  await servers.stop();
});

/** How a statement ends, and after how long. */
async function ask(): Promise<{ answer: string; milliseconds: number }> {
  const startedAt = performance.now();
  const answer = await opened.sql<{ answer: string }>`select ${'good'} as answer`.then(
    ([row]) => row?.answer ?? 'empty',
    (error: Refusal) => error.reason ?? error.message,
  );
  return { answer, milliseconds: performance.now() - startedAt };
}

/** Milliseconds until statements succeed again. */
async function recovery(withinMs: number): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const { answer } = await ask();
    const passed = performance.now() - startedAt;
    if (answer === 'good') return passed;
    assert.equal(answer, 'UPSTREAM_UNAVAILABLE');
    assert.ok(passed < withinMs, `it did not recover within ${withinMs} ms`);
    await sleep(20);
  }
}

test('PgBouncer killed: running and new statements are refused at once, and it recovers by itself', async () => {
  assert.equal((await ask()).answer, 'good');
  const running = opened.sql`select pg_catalog.pg_sleep(5)`.then(
    () => 'good',
    (error: Refusal) => error.reason,
  );
  await sleep(100);
  process.kill(servers.pgbouncer.pid, 'SIGKILL');
  assert.equal(await running, 'UPSTREAM_UNAVAILABLE');
  for (let time = 0; time < 20; time++) {
    const { answer, milliseconds } = await ask();
    assert.equal(answer, 'UPSTREAM_UNAVAILABLE');
    assert.ok(milliseconds < 200, `it took ${milliseconds} ms to say so`);
    await sleep(20);
  }
  const many = await Promise.all(Array.from({ length: 50 }, ask));
  assert.ok(many.every(({ answer, milliseconds }) => answer === 'UPSTREAM_UNAVAILABLE' && milliseconds < 500));
  await servers.pgbouncer.stop();
  await servers.restartPgBouncer();
  assert.ok((await recovery(3_000)) < 2_000);
  assert.deepEqual(changes.splice(0), [false, true]);
});

test('PostgreSQL restarted behind PgBouncer: refused in time, and it recovers by itself', async () => {
  assert.equal((await ask()).answer, 'good');
  await servers.postgres.stop();
  // Statements on connections that PgBouncer still holds wait for its query_wait_timeout (5 s), once.
  const first = await Promise.all([ask(), ask(), ask()]);
  for (const { answer, milliseconds } of first) {
    assert.equal(answer, 'UPSTREAM_UNAVAILABLE');
    assert.ok(milliseconds < 6_500, `it took ${milliseconds} ms to say so`);
  }
  for (let time = 0; time < 10; time++) {
    const { answer, milliseconds } = await ask();
    assert.equal(answer, 'UPSTREAM_UNAVAILABLE');
    assert.ok(milliseconds < 500, `it took ${milliseconds} ms to say so`);
    await sleep(30);
  }
  await servers.restartPostgres();
  assert.ok((await recovery(5_000)) < 3_000);
});

test('PostgreSQL killed in the middle of statements: each ends, and it recovers by itself', async () => {
  const asked = Array.from({ length: 20 }, ask);
  process.kill(servers.postgres.pid, 'SIGKILL');
  for (const { answer } of await Promise.all(asked)) assert.match(answer, /^(good|UPSTREAM_UNAVAILABLE)$/);
  await servers.postgres.stop();
  await servers.restartPostgres();
  await recovery(5_000);
});

test('PgBouncer that hangs: calls end at their deadlines, new connections give up, and it recovers by itself', async () => {
  assert.equal((await ask()).answer, 'good');
  process.kill(servers.pgbouncer.pid, 'SIGSTOP');
  try {
    const controller = new AbortController();
    const signal = controller.signal;
    const call = {
      requestId: '',
      traceId: '',
      spanId: '',
      parentSpanId: undefined,
      sampled: false,
      startedAt: 0,
      spans: undefined,
      signal,
    };
    const sql = opened.bind(call);
    const answers = Promise.allSettled([sql`select 1`, sql`select 2`, sql`select 3`]);
    await sleep(200);
    controller.abort(refuse('DEADLINE_EXCEEDED'));
    for (const answer of await answers) {
      assert.equal(answer.status, 'rejected');
      assert.equal((answer as PromiseRejectedResult).reason.reason, 'DEADLINE_EXCEEDED');
    }
    // The cancel requests hang too; after 2 s the connections are cut off, and a new one is tried.
    const { answer, milliseconds } = await ask();
    assert.equal(answer, 'UPSTREAM_UNAVAILABLE');
    assert.ok(milliseconds < 5_000, `it took ${milliseconds} ms`);
    const second = await ask();
    assert.ok(second.milliseconds < 500, `the second took ${second.milliseconds} ms`);
  } finally {
    process.kill(servers.pgbouncer.pid, 'SIGCONT');
  }
  await recovery(5_000);
  assert.ok(opened.usage().used <= 2);
});

test('a call that ends when PgBouncer is just gone takes nothing else along', async () => {
  assert.equal((await ask()).answer, 'good');
  const controller = new AbortController();
  const signal = controller.signal;
  const call = { requestId: '', traceId: '', spanId: '', parentSpanId: undefined, sampled: false, startedAt: 0, spans: undefined, signal };
  const rows = opened.bind(call)`select pg_catalog.pg_sleep(5)`;
  rows.catch(() => {});
  await sleep(50);
  process.kill(servers.pgbouncer.pid, 'SIGKILL');
  controller.abort(refuse('CANCELLED'));
  await assert.rejects(rows, { reason: 'CANCELLED' });
  await servers.pgbouncer.stop();
  await servers.restartPgBouncer();
  await recovery(3_000);
});
