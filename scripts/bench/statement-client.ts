import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { answerWindows } from './windows.ts';

/** What postgres.js alone makes of GetRecord's statement: `statement-client.ts PLAN.json`, driven by `startClient`. */
export interface StatementPlan {
  readonly url: string;
  readonly concurrency: number;
  readonly poolMax: number;
  readonly targets: readonly { readonly userId: string; readonly sessionId: string; readonly recordIds: readonly string[] }[];
  readonly expected: string;
}

const plan: StatementPlan = JSON.parse(readFileSync(process.argv[2] as string, 'utf8'));
const sql = postgres(plan.url, { max: plan.poolMax, fetch_types: false });
const one = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
await answerWindows(plan.concurrency, async () => {
  const { userId, sessionId, recordIds } = one(plan.targets);
  const recordId = one(recordIds);
  const rows = await sql`select * from records.read_record(${userId}, ${sessionId}, ${recordId})`;
  return rows.length === 1 && rows[0]?.id === recordId && JSON.stringify(rows[0]).includes(plan.expected);
});
process.exit(0);
