import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Room, roomHere, sizedConfiguration, sizedSettings, sortsEach, workingMax } from './size.ts';

const GiB = 2 ** 30;
const rooms: readonly Room[] = [0.25, 0.5, 1, 2, 4, 8, 16, 64, 256].flatMap((gib) =>
  [1, 2, 4, 16, 64].map((cores) => ({ memoryBytes: gib * GiB, cores })),
);
const read = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8');
const numberOf = (text: string, name: string): number => Number(new RegExp(`^${name} = (\\d+)$`, 'm').exec(text)?.[1]);

/** Bytes, or a plain number. */
const valuesOf = (room: Room): Record<string, number> =>
  Object.fromEntries(
    sizedSettings(room).map(({ name, value }) => [name, value.endsWith('MB') ? Number(value.slice(0, -2)) * 2 ** 20 : Number(value)]),
  );

describe('the sized settings of PostgreSQL', () => {
  test('fit into the memory together, whatever is in use at once', () => {
    for (const room of rooms) {
      const {
        shared_buffers = 0,
        work_mem = 0,
        maintenance_work_mem = 0,
        autovacuum_work_mem = 0,
        autovacuum_max_workers = 0,
      } = valuesOf(room);
      const sum = shared_buffers + work_mem * workingMax * sortsEach + maintenance_work_mem + autovacuum_work_mem * autovacuum_max_workers;
      // In the smallest rooms work_mem is at its own floor of 1 MB.
      assert.ok(sum <= room.memoryBytes * (room.memoryBytes < 0.75 * GiB ? 1.25 : 1), `${sum} of ${room.memoryBytes}`);
    }
  });

  test('keep their relations', () => {
    for (const room of rooms) {
      const values = valuesOf(room);
      assert.ok((values.effective_cache_size ?? 0) > (values.shared_buffers ?? Infinity));
      assert.ok((values.effective_cache_size ?? Infinity) < room.memoryBytes);
      assert.ok((values.maintenance_work_mem ?? 0) >= (values.work_mem ?? Infinity));
      assert.ok((values.max_wal_size ?? 0) >= 2 * (values.min_wal_size ?? Infinity));
      assert.ok((values.max_parallel_workers ?? Infinity) <= room.cores);
      assert.ok((values.max_parallel_workers_per_gather ?? Infinity) <= (values.max_parallel_workers ?? 0));
      assert.ok((values.max_parallel_maintenance_workers ?? Infinity) <= (values.max_parallel_workers ?? 0));
    }
  });

  test('grow with the memory', () => {
    for (const name of ['shared_buffers', 'effective_cache_size', 'work_mem', 'maintenance_work_mem', 'max_wal_size']) {
      const values = [1, 2, 4, 16, 64].map((gib) => valuesOf({ memoryBytes: gib * GiB, cores: 4 })[name] ?? 0);
      assert.deepEqual(
        values,
        values.toSorted((one, other) => one - other),
        name,
      );
      assert.ok((values[0] as number) < (values[4] as number), name);
    }
  });

  test('count on as many connections as PgBouncer opens in a rollout', () => {
    const bouncer = read('../pgbouncer/pgbouncer.ini');
    const each = numberOf(bouncer, 'default_pool_size') + numberOf(bouncer, 'reserve_pool_size');
    const [roles, revisions] = [2, 2];
    assert.ok(roles * revisions * each <= workingMax);
    assert.ok(workingMax <= numberOf(read('postgresql.conf'), 'max_connections') - 10);
  });

  test('stand in postgresql.conf nowhere else, so that neither hides the other', () => {
    const fixed = [...read('postgresql.conf').matchAll(/^([\w.]+) =/gm)].map(([, name]) => name);
    assert.ok(fixed.length > 30);
    assert.deepEqual(
      sizedSettings({ memoryBytes: GiB, cores: 2 }).filter(({ name }) => fixed.includes(name)),
      [],
    );
    assert.equal(new Set(fixed).size, fixed.length);
  });

  test('each say why', () => {
    const text = sizedConfiguration({ memoryBytes: 2 * GiB, cores: 2 });
    assert.match(text, /^# A quarter of the memory: .*\nshared_buffers = 512MB$/m);
    assert.equal(text.match(/^# /gm)?.length, 1 + (text.match(/^\w+ = /gm)?.length ?? 0));
  });

  test('refuse a room that nobody could work in', () => {
    assert.throws(() => sizedSettings({ memoryBytes: 100 * 2 ** 20, cores: 1 }), /needs at least 256 MiB of memory, and this is 100/);
  });

  test('take this machine, and no more than the share', () => {
    const room = roomHere(0.5);
    assert.ok(room.cores >= 1);
    assert.ok(room.memoryBytes <= totalmem() / 2);
  });
});
