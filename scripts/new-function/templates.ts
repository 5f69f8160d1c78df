import type { Names } from './names.ts';

/** What each file of a new function holds, and what it is there for. */
export interface NewFile {
  readonly name: string;
  readonly purpose: string;
  readonly content: string;
}

const from = (line: string): string => line.slice(line.indexOf(' from '));

/** The files of a function that checks the caller's session in one round trip and answers with the account. */
export function newFiles({ domain, rpc, operation, functionName, path }: Names): NewFile[] {
  const inAuth = domain === 'auth';
  const environment = inAuth ? 'auth.environment' : '{ ...auth.environment, DATABASE_URL: auth.database.recordUrl }';
  const imports = [
    ['../../testing/start.ts', '{ type Started, startFunction }'],
    [inAuth ? '../register/function.ts' : '../../auth/register/function.ts', 'register'],
    [inAuth ? '../testing.ts' : '../../auth/testing.ts', '{ type AuthTest, authTest, goodPassword, newEmail }'],
    ['./function.ts', operation],
  ] as const;
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
  return { userId: caller.userId, answeredAt: answered_at };
}
`,
    },
    {
      name: 'queries.ts',
      purpose: 'its one statement',
      content: `import type { Caller } from '../../runtime/define-function.ts';
import type { Sql } from '../../runtime/sql.ts';

interface Row {
  /** RFC 3339 in UTC, with milliseconds. */
  readonly answered_at: string;
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
      queries: { ${operation}: async () => ({ answered_at: '2026-01-02T03:04:05.000Z' }) },
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
      content: `import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
${imports
  .map(([path, names]) => `import ${names} from '${path}';`)
  .sort((one, other) => (from(one) < from(other) ? -1 : 1))
  .join('\n')}

describe('${rpc}, through the front door', () => {
  let auth: AuthTest;
  let registering: Started<{ email: string; password: string }, { token: string; user?: { id: string } }>;
  let started: Started<{ userId: string }, { userId: string; answeredAt: string }>;
  before(async () => {
    auth = await authTest();
    registering = await startFunction(register, auth.environment);
    started = await startFunction(${operation}, ${environment});
  });
  after(async () => {
    await started?.stop();
    await registering?.stop();
    await auth?.drop();
  });
  const newCaller = async () => {
    const { token, user } = await registering.call({ email: newEmail(), password: goodPassword });
    return { token, userId: user?.id as string };
  };

  test('the caller is answered with the own account, over HTTP and gRPC alike', async () => {
    const { token, userId } = await newCaller();
    const { status, body } = await started.json('GET', '${path}', { token });
    assert.equal(status, 200);
    assert.equal(body.userId, userId);
    assert.match(body.answeredAt, /^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$/);
    assert.equal((await started.call({}, { token })).userId, userId);
  });

  test('without a token it is 401 and UNAUTHENTICATED', async () => {
    const { status, body } = await started.json('GET', '${path}');
    assert.deepEqual([status, body.code], [401, 'UNAUTHENTICATED']);
    await assert.rejects(started.call({}), { code: 16, reason: 'UNAUTHENTICATED' });
  });

  test('another account’s id is 403 and PERMISSION_DENIED', async () => {
    const [one, other] = await Promise.all([newCaller(), newCaller()]);
    const { status, body } = await started.json('GET', \`${path}?userId=\${other.userId}\`, { token: one.token });
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
    await assert.rejects(started.call({ userId: other.userId }, { token: one.token }), { code: 7, reason: 'PERMISSION_DENIED' });
  });

  test('a session that has ended is refused at once', async () => {
    const { token, userId } = await newCaller();
    await started.call({}, { token });
    await auth.database.sql\`update auth.sessions set ended_at = now(), ended_by = 'LOGOUT' where user_id = \${userId}\`;
    await assert.rejects(started.call({}, { token }), { code: 16, reason: 'SESSION_ENDED' });
  });
});
`,
    },
  ];
}
