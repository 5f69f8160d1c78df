import { randomBytes } from 'node:crypto';
import register from '../../functions/auth/register/function.ts';
import { authTest, goodPassword, newEmail } from '../../functions/auth/testing.ts';
import createRecord from '../../functions/records/create-record/function.ts';
import { startFunction } from '../../functions/testing/start.ts';

/** Many users, each with records of their own, on a fresh database; made through the functions themselves. */
export async function benchAccounts(options: { readonly users: number; readonly recordsEach: number; readonly name: string }) {
  const test = await authTest();
  const recordsEnvironment = {
    ...test.environment,
    DATABASE_URL: test.database.recordUrl,
    PAGE_TOKEN_KEY: randomBytes(32).toString('base64'),
  };
  const registering = await startFunction(register, test.environment);
  const creating = await startFunction(createRecord, recordsEnvironment);
  const targets = [];
  for (let user = 0; user < options.users; user++) {
    const { token, user: account } = await registering.call({ email: newEmail(), password: goodPassword });
    const recordIds = await Promise.all(
      Array.from({ length: options.recordsEach }, async (_, index) => {
        const { record } = await creating.call(
          { record: { artist: `Artist ${user}`, name: `${options.name} ${index}`, label: 'Label', releaseYear: 1970 } as never },
          { token },
        );
        return record?.id as string;
      }),
    );
    const sessionId: string = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()).sid;
    targets.push({ token, userId: account?.id as string, sessionId, recordIds });
  }
  await registering.stop();
  await creating.stop();
  return {
    targets,
    environment: recordsEnvironment,
    directUrl: test.database.direct.recordUrl,
    sql: test.database.sql,
    drop: () => test.drop(),
  };
}
