/** What one account may have found out about another: from a shared screen, a log, a link. */
export interface Loot {
  readonly userId: string;
  readonly recordId: string;
  /** A page token of hers, for the list without a query, good at that time. */
  readonly pageToken: string;
  /** An Idempotency-Key that she used for the record `body`. */
  readonly key: string;
  readonly body: object;
  /** Words that stand in her records alone. */
  readonly words: readonly string[];
}

/** One request of the other account, as it leaves a client. */
export interface Attempt {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The same over gRPC, field by field. */
  readonly grpc?: object;
}

const stranger = '0190a6b2-5a3c-7000-8000-00000000dead';

const tagged = (header: string, tag: string): Record<string, string> => (tag === '' ? {} : { [header]: tag });

/** What a list, a count or a statistic can be asked, filtered and ordered by what is hers. Unknown parameters are refused, alike in both worlds. */
const asked = (loot: Loot, path: string): Attempt[] => [
  { what: 'everything', method: 'GET', path, grpc: {} },
  { what: 'as her', method: 'GET', path: `${path}?userId=${loot.userId}`, grpc: { userId: loot.userId } },
  { what: 'as nobody', method: 'GET', path: `${path}?userId=${stranger}`, grpc: { userId: stranger } },
  { what: 'with a limit', method: 'GET', path: `${path}?limit=2`, grpc: { limit: 2 } },
  ...loot.words.flatMap((word): Attempt[] => [
    { what: `q=${word}`, method: 'GET', path: `${path}?q=${encodeURIComponent(word)}`, grpc: { query: word } },
    { what: 'with a typo', method: 'GET', path: `${path}?q=${encodeURIComponent(`${word.slice(0, -2)}x`)}` },
    { what: 'artist', method: 'GET', path: `${path}?artist=${encodeURIComponent(word)}`, grpc: { artist: word } },
    { what: 'label', method: 'GET', path: `${path}?label=${encodeURIComponent(word)}`, grpc: { label: word } },
  ]),
];

/** Two requests that only differ in whose record they name, and so must be answered alike. */
const named = (loot: Loot, attempt: (id: string) => Attempt): Attempt[] =>
  [loot.recordId, loot.recordId.toUpperCase(), stranger].map(attempt);

/**
 * What is tried at each function of records. One that has none here fails db/isolation.test.ts: whoever adds a function tries to get at
 * another account's rows through it.
 */
export const attempts: Readonly<Record<string, (loot: Loot) => Attempt[]>> = {
  'records-health-check': () => [{ what: 'health', method: 'GET', path: '/api/records/healthz', grpc: {} }],

  'records-get-record': (loot) =>
    ['', '"1"', 'W/"1"', '*'].flatMap((tag) =>
      named(loot, (id) => ({
        what: `get ${tag}`,
        method: 'GET',
        path: `/api/records/${id}`,
        headers: tagged('if-none-match', tag),
        grpc: { recordId: id },
      })),
    ),

  'records-update-record': (loot) =>
    ['', '"1"', '"999"', '*'].flatMap((tag) =>
      (['PUT', 'PATCH'] as const).flatMap((method) =>
        named(loot, (id) => ({
          what: `${method} ${tag}`,
          method,
          path: `/api/records/${id}`,
          body: { artist: 'Taken', name: 'Taken', userId: loot.userId, id: loot.recordId },
          headers: tagged('if-match', tag),
          grpc: { recordId: id, record: { artist: 'Taken', name: 'Taken' }, etag: tag.replaceAll('"', '') },
        })),
      ),
    ),

  'records-delete-record': (loot) =>
    ['', '"1"', '"999"', '*'].flatMap((tag) =>
      named(loot, (id) => ({
        what: `delete ${tag}`,
        method: 'DELETE',
        path: `/api/records/${id}`,
        headers: tagged('if-match', tag),
        grpc: { recordId: id, etag: tag.replaceAll('"', '') },
      })),
    ),

  'records-create-record': (loot) => {
    const path = '/api/records';
    const key = (value: string) => ({ 'idempotency-key': value });
    return [
      { what: 'for her', method: 'POST', path: `${path}?userId=${loot.userId}`, body: loot.body },
      { what: 'for her, in the body', method: 'POST', path, body: { ...loot.body, userId: loot.userId } },
      { what: 'for her, over gRPC', method: 'POST', path, body: {}, grpc: { userId: loot.userId, record: loot.body } },
      { what: 'under her id', method: 'POST', path, body: { artist: 'Mine', name: 'Under her id', id: loot.recordId } },
      { what: 'another body with her key', method: 'POST', path, body: { artist: 'Mine', name: 'Mine' }, headers: key(loot.key) },
      { what: 'her body with her key', method: 'POST', path, body: loot.body, headers: key(loot.key) },
    ];
  },

  'records-search-records': (loot) => [
    ...asked(loot, '/api/records'),
    ...[loot.pageToken, `${loot.pageToken.slice(0, -1)}x`, 'x'].map((token) => ({
      what: 'a page of hers',
      method: 'GET',
      path: `/api/records?pageToken=${token}`,
      grpc: { pageToken: token },
    })),
    { what: 'behind the end', method: 'GET', path: '/api/records?offset=3' },
  ],

  'records-autocomplete': (loot) => [
    ...asked(loot, '/api/records:autocomplete'),
    ...['ARTIST', 'LABEL', 'CATALOG_NUMBER'].flatMap((field) =>
      ['', ...loot.words.map((word) => word.slice(0, 2))].map((prefix) => ({
        what: `${field} ${prefix}`,
        method: 'GET',
        path: `/api/records:autocomplete?field=${field}&prefix=${encodeURIComponent(prefix)}&limit=200`,
      })),
    ),
  ],
  'records-get-facets': (loot) => asked(loot, '/api/records:facets'),
  'records-get-price-stats': (loot) => asked(loot, '/api/records:priceStats'),
  'records-list-recent': (loot) => asked(loot, '/api/records:recent'),
  'records-export-records': (loot) => [
    ...['text/csv', 'application/x-ndjson'].flatMap((accept) =>
      asked(loot, '/api/records:export').map(({ grpc, ...attempt }) => ({ ...attempt, headers: { accept } })),
    ),
  ],
  'records-import-records': (loot) => {
    const head = 'Catalog#,Artist,Title,release_id\n';
    const row = Object.values(loot.body).slice(0, 2).join(',');
    const headers = { 'content-type': 'text/csv' };
    return [
      { what: 'her rows', method: 'POST', path: '/api/records:import', headers, body: `${head}X-1,${row},4711\n` },
      { what: 'her rows again', method: 'POST', path: '/api/records:import', headers, body: `${head}X-1,${row},4711\n` },
      { what: 'for her', method: 'POST', path: `/api/records:import?userId=${loot.userId}`, headers, body: `${head}X-1,${row},4711\n` },
    ];
  },
};
