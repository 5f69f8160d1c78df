import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '../testing/database.ts';
import type { Call, SpanRecord } from './call.ts';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';
import { Refusal, refuse } from './refusal.ts';
import { json } from './sql.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
  await database.sql.unsafe(`
    create function records.refuses(p_reason text) returns void language plpgsql as $$
      begin raise exception using errcode = 'RP000', message = p_reason; end $$;
    create function records.echo(p_id uuid, p_names text[], p_more jsonb, p_on date, p_at timestamptz, p_price numeric, p_bytes bytea, p_flag boolean)
      returns table (id uuid, names text[], more jsonb, day date, at timestamptz, price numeric, bytes bytea, flag boolean, nothing text) language sql as $$
      select p_id, p_names, p_more, p_on, p_at, p_price, p_bytes, p_flag, null::text $$;
    create table records.things (id integer primary key);
    create function records.thing(p_id integer) returns setof records.things language plpgsql as $$
      begin return query select * from records.things where id = p_id; end $$;
    create function records.add_thing(p_id integer) returns void language sql as $$ insert into records.things values (p_id) $$;
    grant select, insert on records.things to record_app;
    grant execute on all functions in schema records to record_app;`);
});

/** The reason of the refusal that a statement ends in; anything else fails the test. */
async function reasonOf(rows: Promise<unknown>): Promise<string> {
  const error = await rows.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Refusal)) throw error;
  return error.reason;
}

function callWith(more: Partial<Call> = {}): Call {
  return {
    requestId: 'r',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: undefined,
    sampled: true,
    startedAt: performance.now(),
    signal: new AbortController().signal,
    spans: undefined,
    ...more,
  };
}

const running = async (text: string): Promise<number> =>
  (
    await database.sql`select 1 from pg_catalog.pg_stat_activity where datname = ${database.name} and state = 'active' and query like ${`%${text}%`}
    and pid <> pg_backend_pid()`
  ).length;

async function until(condition: () => boolean | Promise<boolean>, says: string): Promise<void> {
  for (const end = performance.now() + 3_000; !(await condition()); await sleep(10))
    if (performance.now() > end) assert.fail(`not within 3 s: ${says}`);
}

async function using(options: Partial<DatabaseOptions>, use: (opened: Database) => Promise<void>): Promise<void> {
  const opened = openDatabase({ url: database.recordUrl, prepare: true, poolMax: 2, applicationName: 'database-test', ...options });
  try {
    await use(opened);
  } finally {
    await opened.close();
  }
}

for (const mode of ['prepared', 'unprepared'] as const) {
  const prepare = mode === 'prepared';
  describe(`through PgBouncer, ${mode}`, () => {
    test('values of every type travel there and back', () =>
      using({ prepare }, async ({ sql }) => {
        const id = '0190a6b2-5a3c-7000-8000-000000000001';
        const names = ['plain', 'with "quotes" and \\', 'a,b{c}', '', 'NULL', ' Björk\n'];
        const more = { a: [1, 'zwei', null], b: { c: true } };
        for (let time = 0; time < 3; time++) {
          const rows =
            await sql`select * from records.echo(${id}, ${names}, ${json(more)}, ${'1967-06-01'}, ${new Date('2024-02-29T10:20:30.125Z')},
            ${'12.50'}, ${Buffer.from([0, 255])}, ${false})`;
          assert.deepEqual(
            [...rows],
            [
              {
                id,
                names,
                more,
                day: '1967-06-01',
                at: '2024-02-29T10:20:30.125Z',
                price: '12.50',
                bytes: Buffer.from([0, 255]),
                flag: false,
                nothing: null,
              },
            ],
          );
        }
        const [nulls] = await sql<{
          names: unknown;
          more: unknown;
          at: unknown;
        }>`select * from records.echo(${null}, ${[]}, ${null}, ${null}, ${'2024-05-01T12:00:00+02:00'},
          ${null}, ${null}, ${true})`;
        assert.deepEqual([nulls?.names, nulls?.more, nulls?.at], [[], null, '2024-05-01T10:00:00.000Z']);
      }));

    test('many statements at once share a pool that never grows beyond poolMax', () =>
      using({ prepare, poolMax: 2, applicationName: `pool-${mode}` }, async (opened) => {
        let most = 0;
        const answers = await Promise.all(
          Array.from({ length: 100 }, async (_, index) => {
            const [row] = await opened.sql<{ index: number }>`select ${index}::int as index from pg_catalog.pg_sleep(0.002)`;
            most = Math.max(most, opened.usage().used + opened.usage().idle);
            return row?.index;
          }),
        );
        assert.deepEqual(answers, [...Array(100).keys()]);
        const clients = await database.sql`select 1 from pg_catalog.pg_stat_activity where application_name = ${`pool-${mode}`}`;
        assert.ok(most <= 2 && clients.length <= 2, `${most} connections, ${clients.length} at the server`);
        assert.deepEqual(opened.usage(), { used: 0, idle: 2, waiting: 0, max: 2 });
      }));

    test('a call that ends stops its statement in the server, and the connection goes on', () =>
      using({ prepare, poolMax: 1 }, async (opened) => {
        const controller = new AbortController();
        const marker = `cancel ${mode}`;
        const rows = opened.bind(callWith({ signal: controller.signal }))`select ${marker} from pg_catalog.pg_sleep(20)`;
        rows.catch(() => {});
        await until(async () => (await running('pg_sleep(20)')) === 1, 'the statement runs');
        const startedAt = performance.now();
        controller.abort(refuse('CANCELLED'));
        assert.equal(await reasonOf(rows), 'CANCELLED');
        assert.ok(performance.now() - startedAt < 50, 'the caller is not kept waiting');
        await until(async () => (await running('pg_sleep(20)')) === 0, 'the server stopped it');
        assert.deepEqual([...(await opened.sql`select 1 as next`)], [{ next: 1 }]);
        assert.equal(opened.usage().idle, 1, 'the same connection, not another');
      }));

    test('a statement that fails says so, and leaves the connection in order', () =>
      using({ prepare, poolMax: 1 }, async ({ sql }) => {
        await sql`select records.add_thing(${prepare ? 1 : 2})`;
        await assert.rejects(sql`select records.add_thing(${prepare ? 1 : 2})`, (error: object) => {
          const { code, constraint_name } = error as { code?: string; constraint_name?: string };
          assert.deepEqual({ code, constraint_name }, { code: '23505', constraint_name: 'things_pkey' });
          assert.ok(!('detail' in error), 'the row stays inside');
          return true;
        });
        await assert.rejects(sql`select 1 / ${0}::int`, { code: '22012' });
        await assert.rejects(sql`select * from nowhere.nothing`, { code: '42P01' });
        assert.equal((await sql`select 1`).length, 1);
      }));
  });
}

test('a reason of the error table, raised in the database, is that refusal', () =>
  using({ refusals: { EMAIL_TAKEN: { grpc: 'ALREADY_EXISTS', http: 409, says: 'Taken.' } } }, async ({ sql }) => {
    assert.equal(await reasonOf(sql`select records.refuses(${'SESSION_ENDED'})`), 'SESSION_ENDED');
    assert.equal(await reasonOf(sql`select records.refuses(${'EMAIL_TAKEN'})`), 'EMAIL_TAKEN');
    await assert.rejects(sql`select records.refuses(${'NOT_IN_THE_TABLE'})`, { code: 'RP000' });
  }));

test('a statement that waits for a connection when its call ends is never run', () =>
  using({ poolMax: 1 }, async (opened) => {
    const controller = new AbortController();
    const busy = opened.sql`select pg_catalog.pg_sleep(0.2)`;
    const waits = opened.bind(callWith({ signal: controller.signal }))`select records.add_thing(${100})`;
    controller.abort(refuse('DEADLINE_EXCEEDED'));
    assert.equal(await reasonOf(waits), 'DEADLINE_EXCEEDED');
    await busy;
    assert.equal((await opened.sql`select 1`).length, 1);
    assert.equal((await database.sql`select 1 from records.things where id = 100`).length, 0);
    const [gone] = await Promise.allSettled([opened.bind(callWith({ signal: controller.signal }))`select records.add_thing(${100})`]);
    assert.equal(gone?.status, 'rejected', 'nor one that comes after the end');
  }));

test('hundreds of statements cancelled at any moment answer nobody else', () =>
  using({ poolMax: 2, waitingMax: 1000 }, async (opened) => {
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const controller = new AbortController();
        const cancelled = index % 3 === 0;
        if (cancelled) setTimeout(() => controller.abort(refuse('CANCELLED')), Math.random() * 150);
        const answer = await opened.bind(callWith({ signal: controller.signal }))<{
          index: number;
        }>`select ${index}::int as index from pg_catalog.pg_sleep(${index % 5 === 0 ? 0.01 : 0})`
          .then(([row]) => row?.index)
          .catch((error) => (error as Refusal).reason);
        if (answer !== index) assert.ok(cancelled && answer === 'CANCELLED', `${index} got ${answer}`);
      }),
    );
    await until(() => opened.usage().used === 0, 'every connection is free again');
    assert.equal((await opened.sql`select 1`).length, 1);
  }));

test('one statement too many is refused as TOO_BUSY', () =>
  using({ poolMax: 1, waitingMax: 2 }, async (opened) => {
    const busy = opened.sql`select pg_catalog.pg_sleep(0.1)`;
    await until(() => opened.usage().used === 1, 'the first runs');
    const waiting = [opened.sql`select 1`, opened.sql`select 1`];
    assert.equal(await reasonOf(opened.sql`select 1`), 'TOO_BUSY');
    await Promise.all([busy, ...waiting]);
    assert.equal((await opened.sql`select 1`).length, 1);
  }));

test("the server's own time limit is DEADLINE_EXCEEDED", async () => {
  await database.sql.unsafe(`alter role record_app in database ${database.name} set statement_timeout = '100ms'`);
  try {
    await using({ url: database.direct.recordUrl }, async ({ sql }) => {
      assert.equal(await reasonOf(sql`select pg_catalog.pg_sleep(5)`), 'DEADLINE_EXCEEDED');
    });
  } finally {
    await database.sql.unsafe(`alter role record_app in database ${database.name} reset statement_timeout`);
  }
});

test('a session that the administrator ends is UPSTREAM_UNAVAILABLE, and the next call has another', () =>
  using({ url: database.direct.recordUrl, poolMax: 1 }, async ({ sql }) => {
    const rows = sql`select pg_catalog.pg_sleep(5)`;
    rows.catch(() => {});
    await until(async () => (await running('pg_sleep(5)')) === 1, 'the statement runs');
    await database.sql`select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datname = ${database.name} and query like '%pg_sleep(5)%'
      and pid <> pg_backend_pid()`;
    assert.equal(await reasonOf(rows), 'UPSTREAM_UNAVAILABLE');
    assert.equal((await sql`select 1`).length, 1);
  }));

test('statements prepared before a migration go on after it', () =>
  using({ poolMax: 1 }, async ({ sql }) => {
    await database.sql`insert into records.things values (7)`;
    const direct = () => sql`select * from records.things where id = ${7}`;
    const byFunction = () => sql`select * from records.thing(${7})`;
    for (const ask of [direct, byFunction, direct, byFunction]) assert.deepEqual([...(await ask())], [{ id: 7 }]);
    await database.sql.begin(async (migration) => {
      await migration`alter table records.things add column name text default 'new'`;
      await migration`drop function records.thing`;
      await migration.unsafe(`create function records.thing(p_id integer) returns table (id integer, name text, more integer) language sql as $$
        select t.id, t.name, 1 from records.things t where t.id = p_id $$; grant execute on function records.thing to record_app`);
    });
    for (let time = 0; time < 3; time++) {
      assert.deepEqual([...(await direct())], [{ id: 7, name: 'new' }]);
      assert.deepEqual([...(await byFunction())], [{ id: 7, name: 'new', more: 1 }]);
    }
  }));

test('each statement of a traced call is a span without values', () =>
  using({}, async (opened) => {
    const spans: SpanRecord[] = [];
    const sql = opened.bind(callWith({ spans }));
    await sql`select * from records.thing(${12345})`;
    await assert.rejects(sql`select records.refuses(${'NOT_FOUND'})`);
    const [good, bad] = spans as [SpanRecord, SpanRecord];
    assert.equal(good.name, 'SELECT records.thing');
    assert.deepEqual(
      { kind: good.kind, traceId: good.traceId, parentSpanId: good.parentSpanId, error: good.error },
      { kind: 'client', traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331', error: undefined },
    );
    assert.match(good.spanId, /^[0-9a-f]{16}$/);
    assert.ok(good.endMs >= good.startMs && Math.abs(good.startMs - Date.now()) < 10_000);
    assert.deepEqual(good.attributes, {
      'db.system.name': 'postgresql',
      'db.namespace': database.name,
      'db.operation.name': 'SELECT',
      'db.query.summary': 'SELECT records.thing',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(database.recordUrl).port),
    });
    assert.equal(bad.error, 'NOT_FOUND');
    assert.doesNotMatch(JSON.stringify(spans), /12345/);
  }));

test('warm opens one connection, and a database that is not there is no fault until it is asked', async () => {
  await using({}, async (opened) => {
    opened.warm();
    await until(() => opened.usage().idle === 1, 'one connection is ready');
    assert.equal(await opened.ping(1_000), true);
    assert.equal(opened.usage().idle, 1);
  });
  await using({ url: 'postgres://record_app:x@127.0.0.1:1/nothing' }, async (opened) => {
    opened.warm();
    await sleep(50);
    assert.equal(await opened.ping(1_000), false);
  });
  await using({ url: database.recordUrl.replace(/:[^:@]+@/, ':wrong@') }, async (opened) => {
    assert.equal(await reasonOf(opened.sql`select 1`), 'UPSTREAM_UNAVAILABLE');
  });
});
