/**
 * The release before, at work: a child process that takes everything from that release's own sources (its operations, its driver, its
 * migrations for the database that it makes), calls them all the time, and tells what came of it. argv: the folder of those sources.
 */
import { join } from 'node:path';
import type { RecordsOperations, RecordsTest } from '../../functions/records/testing.ts';

/** How it went since the parent asked last. */
export interface Report {
  readonly calls: number;
  readonly failures: readonly string[];
  readonly slowestMs: number;
  readonly slowest: string;
}

const lanes = 6;
const [folder = ''] = process.argv.slice(2);
const { recordsTest, recordsOperations } = (await import(join(folder, 'functions/records/testing.ts'))) as {
  recordsTest(): Promise<RecordsTest>;
  recordsOperations(test: RecordsTest, more: { prepare: boolean }): Promise<RecordsOperations>;
};

let calls = 0;
let failures: string[] = [];
let slowestMs = 0;
let slowest = '';
let going = true;

/** Counts a call, and whatever it throws. */
async function call<Answer>(what: string, work: () => Promise<Answer>): Promise<Answer | undefined> {
  const began = performance.now();
  try {
    return await work();
  } catch (error) {
    const { reason, cause, message } = error as Error & { reason?: string };
    failures.push(`${what}: ${reason ?? message} ${cause instanceof Error ? cause.message : ''}`.trim());
    return undefined;
  } finally {
    calls += 1;
    const took = performance.now() - began;
    if (took > slowestMs) [slowestMs, slowest] = [took, what];
  }
}

/** What a collector does, again and again. */
async function lane(test: RecordsTest, operations: RecordsOperations): Promise<void> {
  const caller = await test.newCollector();
  while (going) {
    const name = `rehearsal ${calls}`;
    const requestId = name + Math.random();
    const created = await call('create', () =>
      operations.createRecord(caller, { record: { artist: 'Can', name, notes: name }, requestId }),
    );
    const id = created?.record?.id;
    if (id === undefined) continue;
    const again = await call('create again', () =>
      operations.createRecord(caller, { record: { artist: 'Can', name, notes: name }, requestId }),
    );
    if (again && again.record?.id !== id) failures.push('create again: another record');
    const got = await call('get', () => operations.getRecord(caller, { recordId: id }));
    if (got && got.record?.name !== name) failures.push(`get: ${got.record?.name}`);
    await call('update', () => operations.updateRecord(caller, { recordId: id, record: { artist: 'Can', name, notes: 'changed' } }));
    const list = await call('list', () => operations.searchRecords(caller, { limit: 5 }));
    if (list && list.records[0]?.id !== id) failures.push('list: the newest is not first');
    const found = await call('search', () => operations.searchRecords(caller, { query: 'rehersal', limit: 5 }));
    if (found?.total === 0) failures.push('search: nothing was found');
    if (Math.random() < 0.8) await call('delete', () => operations.deleteRecord(caller, { recordId: id }));
    await call('health', () => operations.healthCheck(caller, {}));
  }
}

const test = await recordsTest();
// Both kinds of PgBouncer: one that keeps prepared statements, whose results may not change, and one that doesn't.
const prepared = await recordsOperations(test, { prepare: true });
const unprepared = await recordsOperations(test, { prepare: false });
const running = Array.from({ length: lanes }, (_, index) => lane(test, index % 2 === 0 ? prepared : unprepared));
process.send?.({ database: test.database.name });

process.on('message', async (question) => {
  if (question === 'stop') {
    going = false;
    await Promise.all(running);
    await Promise.all([prepared.close(), unprepared.close()]);
  }
  process.send?.({ calls, failures, slowestMs, slowest } satisfies Report);
  [calls, failures, slowestMs, slowest] = [0, [], 0, ''];
  if (question === 'stop') process.disconnect?.();
});
