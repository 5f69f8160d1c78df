import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { root } from '../docs/pages.ts';
import type { Figures } from '../load/figures.ts';
import { cleanUp, environmentOf, freePlace, processesOf, type RunningStack, startStackProcess, watched } from './stack.ts';

describe('npm run load, against the local stack', { timeout: 180_000 }, () => {
  const place = freePlace();
  let stack: RunningStack;
  let sql: postgres.Sql;

  before(async () => {
    stack = await startStackProcess(place);
    sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  });
  after(async () => {
    await sql?.end();
    try {
      await stack?.stop();
    } finally {
      await cleanUp(place, stack?.start);
    }
  });

  /** @param out the report's folder, within the place */
  const start = (out: string, ...args: string[]) => {
    const target = ['--target', stack.edge.origin, '--out', join(place.folder, out)];
    // Here is no cluster, whatever this machine has.
    const env = { ...environmentOf(place), KUBECONFIG: join(place.folder, 'none') };
    return watched(
      spawn(process.execPath, [join(root, 'scripts/load.ts'), ...target, ...args], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      }),
    );
  };
  const figuresIn = (out: string): Figures => JSON.parse(readFileSync(join(place.folder, out, 'report.json'), 'utf8'));
  const created = async (): Promise<number> =>
    (await sql<{ count: number }[]>`select count(*)::int as count from records.records where artist = 'Load'`)[0]?.count ?? 0;
  /** Calls of a function that its log has by now, the stack's own probe not counted. */
  const loggedCalls = (name: string): number =>
    stack.logged(name).filter(({ status, route }) => status !== undefined && route !== '/readyz').length;

  test('a steady load gets the right answer to every request, and its report agrees with the database and the logs', async () => {
    const names = ['records-get-record', 'records-search-records', 'records-update-record'];
    const load = start(
      'steady',
      '--scenario',
      'steady',
      '--rate',
      '40',
      '--seconds',
      '5',
      '--users',
      '4',
      '--mix',
      'get=5,list=2,search=2,create=2,update=1',
    );
    assert.equal(await load.ended(90_000), 0, load.stderr);
    assert.match(load.stdout, /^steady: 200 requests at .*, 0 failed, /);
    const { totals, functions } = figuresIn('steady');
    assert.equal(totals.planned, 200);
    assert.equal(totals.sent + totals.dropped, 200);
    assert.equal(totals.failed, 0);
    const sentTo = (name: string): number => functions.find(({ functionName }) => functionName === name)?.sent ?? 0;
    assert.ok(
      functions.every(({ grpc, sent }) => grpc > 0 || sent < 20),
      'both dialects were spoken',
    );
    assert.equal(await created(), sentTo('records-create-record'));
    // Lines are written a few milliseconds after their calls.
    await sleep(300);
    for (const name of names) assert.equal(loggedCalls(name), sentTo(name), name);
    assert.match(readFileSync(join(place.folder, 'steady/report.html'), 'utf8'), /<svg /);
  });

  test('what finds no room within a second is dropped and counted; accounts are used again', async () => {
    const before = await sql`select 1 from auth.accounts`;
    const load = start(
      'full',
      '--scenario',
      'steady',
      '--rate',
      '100',
      '--seconds',
      '4',
      '--users',
      '4',
      '--mix',
      'login=1',
      '--in-flight',
      '1',
    );
    await load.ended(90_000);
    const { totals } = figuresIn('full');
    assert.equal(totals.sent + totals.dropped, 400);
    assert.ok(totals.dropped > 0 && totals.late > 0, JSON.stringify(totals));
    assert.match(load.stdout, /could not keep up/);
    assert.equal((await sql`select 1 from auth.accounts`).length, before.length);
  });

  test('a refusal is a failed request: the exit code is 1, and the report says which and why', async () => {
    const load = start('busy', '--scenario', 'burst', '--requests', '60', '--users', '4', '--mix', 'login=1', '--grpc', '0.5');
    assert.equal(await load.ended(90_000), 1, load.stderr);
    const { totals, reasons } = figuresIn('busy');
    assert.equal(totals.sent, 60);
    assert.equal(
      totals.failed,
      reasons.reduce((sum, { count }) => sum + count, 0),
    );
    assert.deepEqual(
      reasons.map(({ reason }) => reason).filter((reason) => !/^(429 TOO_BUSY|RESOURCE_EXHAUSTED )/.test(reason)),
      [],
    );
  });

  test('a rollout’s command runs under the load and is marked; Ctrl-C ends it, writes what was seen and leaves nothing', async () => {
    const command = `echo begun > ${join(place.folder, 'begun')}; sleep 100`;
    const load = start('rollout', '--scenario', 'rollout', '--rate', '20', '--users', '4', '--during', command);
    await load.said(/sending, while this runs/, 60_000);
    load.signal('SIGINT');
    assert.notEqual(await load.ended(30_000), undefined);
    const figures = figuresIn('rollout');
    assert.equal(figures.interrupted, true);
    assert.equal(figures.totals.failed, 0);
    assert.equal(figures.totals.unanswered, 0);
    assert.equal(figures.marks[0]?.says, 'the command begins');
    assert.deepEqual(
      processesOf(place.folder).filter((line) => /load|sleep 100/.test(line)),
      [],
    );
  });
});
