import { randomBytes } from 'node:crypto';
import type { Record } from '../../proto/generated/records.ts';
import { authOperations, authTest, goodPassword, newEmail } from '../auth/testing.ts';
import { openDatabase } from '../runtime/database.ts';
import type { Caller, FunctionDefinition } from '../runtime/define-function.ts';
import { commonRefusals } from '../runtime/refusal.ts';
import { readSettings, type Settings } from '../runtime/settings.ts';
import type { TestDatabase } from '../testing/database.ts';
import autocomplete from './autocomplete/function.ts';
import createRecord from './create-record/function.ts';
import deleteRecord from './delete-record/function.ts';
import getFacets from './get-facets/function.ts';
import getPriceStats from './get-price-stats/function.ts';
import getRecord from './get-record/function.ts';
import healthCheck from './health-check/function.ts';
import listRecent from './list-recent/function.ts';
import { recordsRefusals } from './refusals.ts';
import searchRecords from './search-records/function.ts';
import updateRecord from './update-record/function.ts';

/** A collector who has an account and an open session. */
export interface Collector extends Caller {
  readonly token: string;
  /** Ends the session. */
  logout(): Promise<void>;
}

/** A database of its own, accounts in it, and what a process of a records function finds in its environment. */
export interface RecordsTest {
  readonly database: TestDatabase;
  readonly environment: { readonly [name: string]: string };
  newCollector(): Promise<Collector>;
  drop(): Promise<void>;
}

export async function recordsTest(): Promise<RecordsTest> {
  const auth = await authTest();
  const accounts = await authOperations(auth);
  return {
    database: auth.database,
    environment: {
      DATABASE_URL: auth.database.recordUrl,
      TOKEN_ISSUER: auth.environment.TOKEN_ISSUER as string,
      TOKEN_AUDIENCE: auth.environment.TOKEN_AUDIENCE as string,
      PAGE_TOKEN_KEY: randomBytes(32).toString('base64'),
    },
    async newCollector() {
      const { token, refreshToken } = await accounts.register({ email: newEmail(), password: goodPassword });
      const { sub, sid } = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
      return { userId: sub, sessionId: sid, token, logout: async () => void (await accounts.logout({ refreshToken })) };
    },
    async drop() {
      await accounts.close();
      await auth.drop();
    },
  };
}

/** The operations as their function.ts puts them together, on a real database, but without a transport. */
export async function recordsOperations(test: RecordsTest, more: { now?: () => Date; prepare?: boolean; poolMax?: number } = {}) {
  const { now = () => new Date(), prepare = true, poolMax = 4 } = more;
  const refusals = { ...commonRefusals, ...recordsRefusals };
  const pool = openDatabase({
    url: test.environment.DATABASE_URL as string,
    prepare,
    poolMax,
    applicationName: 'records tests',
    refusals,
  });
  const bind = async <Request extends object, Response, Queries, Spec extends Settings, Parts>(
    definition: FunctionDefinition<Request, Response, Queries, Spec, Parts>,
  ) => {
    const settings = readSettings((definition.settings ?? {}) as Spec, test.environment);
    const parts = (await definition.parts?.({ settings, sql: pool.sql, now })) as Parts;
    const queries = definition.queries?.(pool.sql) as Queries;
    const { request: codec } = await definition.rpc.codecs();
    const { fromPartial } = codec as unknown as { fromPartial(part: object): Request };
    return async (caller: Caller, request: DeepPartial<Request>): Promise<Response> =>
      await definition.operation(fromPartial(request), {
        ...parts,
        queries,
        caller,
        now,
        signal: new AbortController().signal,
        version: 'test',
      });
  };
  const create = await bind(createRecord);
  return {
    createRecord: create,
    /** Creates a record and answers it when its millisecond has passed: of two in the same one, chance decides which is the newer. */
    add: async (caller: Caller, record: Partial<Record>): Promise<Record> => {
      const { record: made } = await create(caller, { record: { artist: 'Can', name: 'Tago Mago', ...record } });
      while (Date.now() <= Date.parse(made?.createdAt ?? '')) await new Promise((resolve) => setTimeout(resolve, 1));
      return made as Record;
    },
    getRecord: await bind(getRecord),
    searchRecords: await bind(searchRecords),
    autocomplete: await bind(autocomplete),
    getFacets: await bind(getFacets),
    getPriceStats: await bind(getPriceStats),
    listRecent: await bind(listRecent),
    updateRecord: await bind(updateRecord),
    deleteRecord: await bind(deleteRecord),
    healthCheck: await bind(healthCheck),
    close: () => pool.close(),
  };
}

export type RecordsOperations = Awaited<ReturnType<typeof recordsOperations>>;

/** A request of which only what matters is given. */
type DeepPartial<T> = T extends readonly (infer Item)[]
  ? DeepPartial<Item>[]
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/** Every field that a client can set, in its canonical form. */
export const everything: Partial<Record> = {
  artist: 'The Beatles',
  name: 'The Beatles',
  format: '2×LP, Album, Num',
  catalogNumber: 'PMC 7067/7068',
  recordGrade: 'VG+',
  sleeveGrade: 'EX-',
  hasInsert: true,
  hasBooklet: false,
  hasObiStrip: false,
  hasFactorySleeve: true,
  isPromo: false,
  notes: 'Nº 0012345\n"all four photos" — 100 % complete; \\ / \' 日本 💿',
  purchasedAt: '1999-12-31',
  price: '999999999999.99',
  pricePaid: 999_999_999_999.99,
  currency: 'GBP',
  insertGrade: 'NM-',
  bookletGrade: 'M',
  obiStripGrade: 'G+',
  factorySleeveGrade: 'P',
  releaseYear: 1968,
  releaseDate: '1968-11-22',
  pressingYear: 1969,
  label: 'Apple Records',
  labelCode: 'LC 1846',
  media: [
    {
      index: 1,
      kind: 'VINYL',
      sizeInch: 12,
      speedRpm: 33,
      discGrade: 'NM',
      sides: [
        { letter: 'A', grade: 'NM' },
        { letter: 'B', grade: 'EX' },
      ],
    },
    {
      index: 2,
      kind: 'VINYL',
      sizeInch: 12,
      speedRpm: 33,
      discGrade: '',
      sides: [
        { letter: 'C', grade: 'VG+' },
        { letter: 'D', grade: '' },
      ],
    },
    { index: 3, kind: 'CD', sizeInch: 0, speedRpm: 0, discGrade: 'M', sides: [] },
  ],
  aliases: ['The White Album', 'ホワイト・アルバム'],
  discogsReleaseId: 2_147_483_647,
  collectionFolder: 'Uncategorized',
  rating: 5,
  addedAt: '2021-03-04T05:06:07.089Z',
  importKey: 'discogs:2147483647:1',
};
