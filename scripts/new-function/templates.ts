import type { Names } from './names.ts';

/** What each file of a new function holds, and what it is there for. */
export interface NewFile {
  readonly name: string;
  readonly purpose: string;
  readonly content: string;
}

/** The files of a function that checks the caller's session in one round trip and answers with the account. */
export function newFiles({ domain, rpc, operation, functionName, path }: Names): NewFile[] {
  return [
    {
      name: 'function.ts',
      purpose: 'what the function is made of: rpc, operation, queries, limits',
      content: `import { ${rpc} } from '../../../proto/generated/${domain}.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { ${operation} } from './operation.ts';
import { ${operation}Queries } from './queries.ts';

export default defineFunction({ rpc: ${rpc}, operation: ${operation}, queries: ${operation}Queries });
`,
    },
    {
      name: 'operation.ts',
      purpose: 'what it does',
      content: `import type { ${rpc}Request, ${rpc}Response } from '../../../proto/generated/${domain}.ts';
import type { Tools } from '../../runtime/define-function.ts';
import type { ${operation}Queries } from './queries.ts';

/** The caller's account, and when the database answered. @throws Refusal SESSION_ENDED */
export async function ${operation}(
  _: ${rpc}Request,
  { queries, caller }: Tools<ReturnType<typeof ${operation}Queries>, unknown>,
): Promise<${rpc}Response> {
  const { answered_at } = await queries.${operation}(caller);
  return { userId: caller.userId, answeredAt: answered_at.toISOString() };
}
`,
    },
    {
      name: 'queries.ts',
      purpose: 'its one statement',
      content: `import type { Caller } from '../../runtime/define-function.ts';
import type { Sql } from '../../runtime/sql.ts';

interface Row {
  readonly answered_at: Date;
}

export const ${operation}Queries = (sql: Sql) => ({
  /** Checks the caller's session and makes this transaction the caller's, in one round trip. @throws Refusal SESSION_ENDED */
  ${operation}: async ({ userId, sessionId }: Caller): Promise<Row> => {
    const [row] = await sql<Row>\`select clock_timestamp() as answered_at from auth.begin_call(\${userId}, \${sessionId})\`;
    return row as Row;
  },
});
`,
    },
    {
      name: 'operation.test.ts',
      purpose: 'what it does, without a server',
      content: `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ${operation} } from './operation.ts';

test('${functionName} answers with the caller’s account, and with the time of the database', async () => {
  const response = await ${operation}(
    { userId: '' },
    {
      queries: { ${operation}: async () => ({ answered_at: new Date('2026-01-02T03:04:05Z') }) },
      caller: { userId: '0198c1a5-1111-7222-8333-444455556666', sessionId: '0198c1a5-7777-7888-9999-aaaabbbbcccc' },
      now: () => new Date(),
      signal: new AbortController().signal,
      version: 'test',
    },
  );
  assert.deepEqual(response, { userId: '0198c1a5-1111-7222-8333-444455556666', answeredAt: '2026-01-02T03:04:05.000Z' });
});
`,
    },
    {
      name: 'function.test.ts',
      purpose: 'the same through the front door, on a real database',
      content: `// ${functionName} ${path}`,
    },
  ];
}
