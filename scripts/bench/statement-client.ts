import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import type { LoadResult } from './load-client.ts';

/** What postgres.js alone makes of GetRecord's statement: `statement-client.ts PLAN.json`. Prints one line of JSON. */
export interface StatementPlan {
  readonly url: string;
  readonly seconds: number;
  readonly concurrency: number;
  readonly poolMax: number;
  readonly targets: readonly { readonly userId: string; readonly sessionId: string; readonly recordIds: readonly string[] }[];
  readonly expected: string;
}

const plan: StatementPlan = JSON.parse(readFileSync(process.argv[2] as string, 'utf8'));
const sql = postgres(plan.url, { max: plan.poolMax, fetch_types: false });
const one = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
const started = performance.now();
const cpuBefore = process.cpuUsage();
const until = started + plan.seconds * 1000;
let calls = 0;
let wrong = 0;
await Promise.all(
  Array.from({ length: plan.concurrency }, async () => {
    while (performance.now() < until) {
      const { userId, sessionId, recordIds } = one(plan.targets);
      const recordId = one(recordIds);
      const rows = await sql`select * from records.get_record(${userId}, ${sessionId}, ${recordId})`;
      calls++;
      if (rows.length !== 1 || rows[0]?.id !== recordId || !JSON.stringify(rows[0]).includes(plan.expected)) wrong++;
    }
  }),
);
const cpu = process.cpuUsage(cpuBefore);
const result: LoadResult & { cpuSeconds: number } = {
  calls,
  wrong,
  seconds: (performance.now() - started) / 1000,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
