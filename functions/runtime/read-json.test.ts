import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordShape, SearchRecordsRequestShape, UpdateRecordRequestShape } from '../../proto/generated/records.rpc.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { randomMessage, randomNumbers } from '../testing/random-message.ts';
import { checkFields } from './check-fields.ts';
import type { Field, Shape } from './contract.ts';
import { readBody, readJson, readQuery } from './read-json.ts';
import { Refusal } from './refusal.ts';

const caller = '01890a5d-ac96-774b-bcce-b302099a8057';

/** proto3 JSON of a message: the mask as one string, the rest as JSON.stringify writes it. */
function asJson(shape: Shape, message: Record<string, unknown>, spelling: 'name' | 'json'): Record<string, unknown> {
  const entry = (field: Field, value: unknown): unknown => {
    if (value === undefined) return undefined;
    if (field.kind === 'mask') return (value as string[]).join(',');
    if (field.kind === 'message') return asJson((field.message as () => Shape)(), value as Record<string, unknown>, spelling);
    if (field.kind === 'bytes') return (value as Buffer).toString('base64');
    return value;
  };
  return Object.fromEntries(
    shape.fields.map((field) => {
      const value = message[field.json];
      return [field[spelling], field.repeated ? (value as unknown[]).map((item) => entry(field, item)) : entry(field, value)];
    }),
  );
}

for (const rpc of rpcs) {
  test(`any valid ${rpc.request.name} in JSON, in either spelling, is read as itself`, () => {
    const random = randomNumbers(7);
    for (let round = 0; round < 200; round++) {
      const message = randomMessage(rpc.request, random, caller);
      const spelling = round % 2 === 0 ? 'name' : 'json';
      const text = JSON.stringify(asJson(rpc.request, message, spelling));
      const read = readJson(rpc.request, readBody(Buffer.from(text)));
      assert.deepEqual(read.violations, [], text);
      assert.deepEqual(read.message, message, text);
      assert.deepEqual(checkFields(rpc.request, read.message, caller), [], text);
    }
  });

  test(`an empty ${rpc.request.name} has every field of ts-proto's, at the same zero`, async () => {
    const codec = (await rpc.codecs()).request as unknown as { fromPartial(message: object): object };
    const read = readJson(rpc.request, {});
    assert.deepEqual(Object.keys(read.message), Object.keys(codec.fromPartial({})));
    assert.deepEqual(read.message, codec.fromPartial({}));
  });
}

const faults: { name: string; input: unknown; expected: [string, string][] }[] = [
  { name: 'an unknown field', input: { colour: 'red' }, expected: [['colour', 'UNKNOWN_FIELD']] },
  { name: '__proto__', input: JSON.parse('{"__proto__": {"artist": "x"}}'), expected: [['__proto__', 'UNKNOWN_FIELD']] },
  { name: 'a name that every object has', input: { toString: 'x' }, expected: [['toString', 'UNKNOWN_FIELD']] },
  {
    name: 'both spellings of a field',
    input: { catalogNumber: 'a', catalog_number: 'b' },
    expected: [['catalog_number', 'DUPLICATE_FIELD']],
  },
  { name: 'a number for a text', input: { artist: 5 }, expected: [['artist', 'WRONG_TYPE']] },
  { name: 'a text for a bool', input: { hasInsert: 'yes' }, expected: [['has_insert', 'WRONG_TYPE']] },
  { name: 'a number for a bool', input: { hasInsert: 1 }, expected: [['has_insert', 'WRONG_TYPE']] },
  { name: 'a fraction for a whole number', input: { releaseYear: 1.5 }, expected: [['release_year', 'WRONG_TYPE']] },
  { name: 'a word for a number', input: { releaseYear: 'x' }, expected: [['release_year', 'WRONG_TYPE']] },
  { name: 'an empty text for a number', input: { releaseYear: '' }, expected: [['release_year', 'WRONG_TYPE']] },
  { name: 'hexadecimal for a number', input: { releaseYear: '0x10' }, expected: [['release_year', 'WRONG_TYPE']] },
  { name: 'a number above int32', input: { releaseYear: 2147483648 }, expected: [['release_year', 'OUT_OF_RANGE']] },
  { name: 'a number below int32, as text', input: { releaseYear: '-2147483649' }, expected: [['release_year', 'OUT_OF_RANGE']] },
  { name: 'a number beyond all doubles', input: JSON.parse('{"pricePaid": 1e400}'), expected: [['price_paid', 'NOT_FINITE']] },
  { name: 'NaN', input: { pricePaid: 'NaN' }, expected: [['price_paid', 'NOT_FINITE']] },
  { name: 'an object for a list', input: { media: {} }, expected: [['media', 'WRONG_TYPE']] },
  { name: 'a list for an object', input: { media: [[]] }, expected: [['media/0', 'WRONG_TYPE']] },
  { name: 'null in a list', input: { aliases: ['a', null] }, expected: [['aliases/1', 'WRONG_TYPE']] },
  { name: 'an unknown enum name', input: { media: [{ kind: 'WAX' }] }, expected: [['media/0/kind', 'UNKNOWN_VALUE']] },
  { name: 'an unknown enum number', input: { media: [{ kind: 99 }] }, expected: [['media/0/kind', 'UNKNOWN_VALUE']] },
  { name: 'an enum number between two', input: { media: [{ kind: 0.5 }] }, expected: [['media/0/kind', 'UNKNOWN_VALUE']] },
  { name: 'the codec’s own word for unknown', input: { media: [{ kind: 'UNRECOGNIZED' }] }, expected: [['media/0/kind', 'UNKNOWN_VALUE']] },
  {
    name: 'a fault deep inside, and every other one',
    input: { name: 1, media: [{}, { sides: [{ letter: 'A' }, { letter: 2, x: 1 }] }], notes: false },
    expected: [
      ['name', 'WRONG_TYPE'],
      ['media/1/sides/1/letter', 'WRONG_TYPE'],
      ['media/1/sides/1/x', 'UNKNOWN_FIELD'],
      ['notes', 'WRONG_TYPE'],
    ],
  },
];

for (const { name, input, expected } of faults)
  test(`${name} is a fault with its path`, () => {
    const { violations } = readJson(RecordShape, input);
    assert.deepEqual(
      violations.map((violation) => [violation.path.join('/'), violation.reason]),
      expected,
    );
    for (const { says } of violations) assert.match(says, /^[A-Z].*\.$/);
  });

test('paths begin where the value is in the request', () => {
  const { violations } = readJson(RecordShape, { media: [3] }, ['record']);
  assert.deepEqual(violations[0]?.path, ['record', 'media', 0]);
  assert.deepEqual(readJson(RecordShape, [], ['record']).violations[0]?.path, ['record']);
});

test('a field at fault counts as not given, and an entry at fault keeps its place', () => {
  const { message } = readJson(RecordShape, { artist: 5, aliases: ['a', 1, 'c'], media: [1] });
  assert.equal(message.artist, undefined);
  assert.deepEqual(message.aliases, ['a', '', 'c']);
  assert.equal((message.media as unknown[]).length, 1);
});

test('null is "not set" for any field, but counts as present', () => {
  const { message, violations, present } = readJson(RecordShape, { artist: null, media: null, userId: null, notes: 'x' });
  assert.deepEqual(violations, []);
  assert.equal(message.artist, undefined);
  assert.deepEqual(message.media, []);
  assert.equal(message.userId, '');
  assert.deepEqual(present, ['artist', 'media', 'notes']);
});

test('what a client cannot change is not present, and output-only fields are skipped whatever they hold', () => {
  const { message, violations, present } = readJson(RecordShape, { id: 5, created_at: {}, etag: ['x'], userId: caller });
  assert.deepEqual(violations, []);
  assert.equal(message.id, '');
  assert.equal(message.etag, '');
  assert.deepEqual(present, []);
});

test('numbers may be texts and enums numbers, as proto3 JSON admits', () => {
  const { message, violations } = readJson(RecordShape, {
    releaseYear: '1971',
    pricePaid: '1e1',
    rating: -0,
    media: [{ kind: 2, index: 1.0 }],
  });
  assert.deepEqual(violations, []);
  assert.equal(message.releaseYear, 1971);
  assert.equal(message.pricePaid, 10);
  assert.ok(Object.is(message.rating, 0));
  assert.equal((message.media as { kind: string }[])[0]?.kind, 'CD');
});

test('a mask is brought to proto names, each once; what it cannot name is a fault', () => {
  const read = (updateMask: unknown) => readJson(UpdateRecordRequestShape, { updateMask });
  assert.deepEqual(read('hasInsert,catalog_number,has_insert').message.updateMask, ['has_insert', 'catalog_number']);
  assert.deepEqual(read('*').message.updateMask, ['*']);
  assert.deepEqual(read('').message.updateMask, []);
  for (const [mask, place] of [
    ['notes,colour', 1],
    ['*,notes', 0],
    ['notes,,label', 1],
    ['media.kind', 0],
  ] as const) {
    const { violations } = read(mask);
    assert.deepEqual(violations, [{ path: ['update_mask', place], reason: 'UNKNOWN_MASK_PATH', says: violations[0]?.says }]);
  }
  assert.equal(read(['notes']).violations[0]?.reason, 'WRONG_TYPE');
});

test('at most 100 faults are listed', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, index]));
  assert.equal(readJson(RecordShape, many).violations.length, 100);
  assert.equal(readJson(RecordShape, { aliases: Array.from({ length: 500 }, () => 1) }).violations.length, 100);
});

test('a message that holds itself is read 100 deep and not deeper', () => {
  const node: Shape = { name: 'test.Node', fields: [{ name: 'next', json: 'next', kind: 'message', message: () => node }] };
  const nested = (depth: number): unknown => JSON.parse(`${'{"next":'.repeat(depth)}{}${'}'.repeat(depth)}`);
  assert.deepEqual(readJson(node, nested(99)).violations, []);
  assert.deepEqual(
    readJson(node, nested(20_000)).violations.map((violation) => violation.reason),
    ['TOO_DEEP'],
  );
});

test('query parameters have both spellings and the alias', () => {
  for (const query of ['query=can+do%21&page_token=t&limit=5', 'q=can%20do!&pageToken=t&limit=5']) {
    const { message, violations } = readQuery(SearchRecordsRequestShape, query);
    assert.deepEqual(violations, []);
    const { userId, query: text, limit, offset, pageToken } = message;
    assert.deepEqual(
      { userId, query: text, limit, offset, pageToken },
      { userId: '', query: 'can do!', limit: 5, offset: 0, pageToken: 't' },
    );
  }
});

const queryFaults: { query: string; skip?: string[]; expected: [string, string][] }[] = [
  { query: 'limit=ten', expected: [['limit', 'WRONG_TYPE']] },
  { query: 'limit=', expected: [['limit', 'WRONG_TYPE']] },
  { query: 'limit=1.5', expected: [['limit', 'WRONG_TYPE']] },
  { query: 'limit=99999999999', expected: [['limit', 'OUT_OF_RANGE']] },
  { query: 'q=a&query=b', expected: [['query', 'DUPLICATE_FIELD']] },
  { query: 'limit=1&limit=1', expected: [['limit', 'DUPLICATE_FIELD']] },
  { query: 'sort=up&q=a', expected: [['sort', 'UNKNOWN_FIELD']] },
  { query: '__proto__=1', expected: [['__proto__', 'UNKNOWN_FIELD']] },
  { query: 'offset=3', skip: ['offset'], expected: [['offset', 'UNKNOWN_FIELD']] },
];

for (const { query, skip, expected } of queryFaults)
  test(`?${query}${skip ? `, where the path has ${skip}` : ''} is a fault`, () => {
    const { violations } = readQuery(SearchRecordsRequestShape, query, skip);
    assert.deepEqual(
      violations.map((violation) => [violation.path.join('/'), violation.reason]),
      expected,
    );
  });

test('bools, lists and masks are query parameters; messages and what travels in a header are not', () => {
  const shape: Shape = {
    name: 'test.Filter',
    fields: [
      { name: 'is_promo', json: 'isPromo', kind: 'bool', optional: true },
      { name: 'years', json: 'years', kind: 'int32', repeated: true },
    ],
  };
  const { message, violations } = readQuery(shape, 'isPromo=true&years=1971&years=1972');
  assert.deepEqual(violations, []);
  assert.deepEqual({ ...message }, { isPromo: true, years: [1971, 1972] });
  assert.equal(readQuery(shape, 'is_promo=1').violations[0]?.reason, 'WRONG_TYPE');
  assert.deepEqual(readQuery(shape, 'years=1&years=x').violations[0]?.path, ['years', 1]);
  assert.deepEqual(readQuery(UpdateRecordRequestShape, 'updateMask=notes,isPromo').message.updateMask, ['notes', 'is_promo']);
  assert.equal(readQuery(UpdateRecordRequestShape, 'record=x').violations[0]?.reason, 'UNKNOWN_FIELD');
  assert.equal(readQuery(UpdateRecordRequestShape, 'etag=x').violations[0]?.reason, 'UNKNOWN_FIELD');
});

const isMalformed = (thrown: unknown): boolean => thrown instanceof Refusal && thrown.reason === 'MALFORMED_BODY';

test('a query that is not percent-encoded UTF-8 is refused, not repaired', () => {
  for (const query of ['q=%ff', 'q=%', '%c3=1', 'q=%ed%a0%80'])
    assert.throws(() => readQuery(SearchRecordsRequestShape, query), isMalformed);
});

const malformed: { name: string; bytes: Uint8Array }[] = [
  { name: 'nothing', bytes: Buffer.from('') },
  { name: 'half an object', bytes: Buffer.from('{"a":') },
  { name: 'something after the object', bytes: Buffer.from('{} {}') },
  { name: 'a list', bytes: Buffer.from('[]') },
  { name: 'null', bytes: Buffer.from('null') },
  { name: 'a text', bytes: Buffer.from('"a"') },
  { name: 'a comment', bytes: Buffer.from('{} // x') },
  { name: 'a byte order mark', bytes: Buffer.from('\ufeff{}') },
  { name: 'Latin-1', bytes: Buffer.from('{"artist":"Bj\u00f6rk"}', 'latin1') },
  { name: 'a surrogate in UTF-8', bytes: Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]) },
];

for (const { name, bytes } of malformed)
  test(`a body that is ${name} is refused, and nothing of it is kept for the log`, () => {
    assert.throws(
      () => readBody(bytes),
      (thrown) => isMalformed(thrown) && (thrown as Error).cause === undefined,
    );
  });
