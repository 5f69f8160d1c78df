import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { defaultLimits } from '../../functions/runtime/define-function.ts';
import { assertCapacity, type Capacity, readCapacity } from './capacity.ts';
import { readFunctions } from './read-functions.ts';

const root = join(import.meta.dirname, '../..');
const of = (name: string, packageName: string, scaleMax: number, poolMax: number) => ({
  name,
  package: packageName,
  limits: { ...defaultLimits, scaleMax, poolMax },
});
const roomy: Capacity = { max_client_conn: 40, default_pool_size: 8, reserve_pool_size: 2, max_db_connections: 100, max_connections: 50 };

describe('what functions may take of the database', () => {
  test('all of them at their largest, in the middle of a rollout, find a place', async () => {
    assertCapacity(await readFunctions(root), readCapacity(root));
  });

  test('just enough is enough, and one more is refused with the largest named', () => {
    const functions = [of('a-one', 'a', 5, 2), of('b-two', 'b', 5, 2)];
    assertCapacity(functions, roomy);
    assert.throws(
      () => assertCapacity([...functions, of('b-three', 'b', 1, 1)], roomy),
      /2 × Σ\(scaleMax × poolMax\) is 42, and PgBouncer takes 40.*the largest is a-one/,
    );
  });

  test('two PgBouncers’ pools leave PostgreSQL its reserve: per role, or per database where that is less', () => {
    const functions = [of('a-one', 'a', 1, 1), of('b-two', 'b', 1, 1)];
    assertCapacity(functions, roomy);
    const tight = { ...roomy, max_connections: 49 };
    assert.throws(() => assertCapacity(functions, tight), /up to 40 connections, and PostgreSQL has 39 beside the 10 in reserve/);
    assertCapacity(functions, { ...tight, max_db_connections: 19 });
  });
});
