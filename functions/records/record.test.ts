import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordShape } from '../../proto/generated/records.rpc.ts';
import type { Record } from '../../proto/generated/records.ts';
import { Refusal } from '../runtime/refusal.ts';
import { parseNewRecord, parseRecordChange, settableFields } from './record.ts';

const now = new Date('2024-06-01T12:00:00Z');

/** As a message arrives: plain fields at their zero value, optional ones absent. */
const recordWith = (given: Partial<Record>): Record => ({
  id: '',
  userId: '',
  createdAt: '',
  updatedAt: '',
  etag: '',
  media: [],
  aliases: [],
  ...given,
});
const named = { artist: 'Miles Davis', name: 'Kind of Blue' };

/** The faults that a parse names, as "path REASON". */
function faultsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof Refusal);
    assert.equal(error.reason, 'INVALID_FIELDS');
    for (const { says } of error.violations) assert.match(says, /^[A-Z].*\.$/);
    return error.violations.map(({ path, reason }) => `${path.join('/')} ${reason}`);
  }
  return [];
}

const create = (given: Partial<Record>) => parseNewRecord({ record: recordWith(given) }, now);
const change = (updateMask: string[] | undefined, given: Partial<Record>) =>
  parseRecordChange({ record: recordWith(given), updateMask }, now);

test('every field of the contract that a client can set is parsed, and no other', () => {
  const settable = RecordShape.fields.filter(({ outputOnly, caller }) => !outputOnly && !caller).map(({ name }) => name);
  assert.deepEqual([...settableFields].sort(), settable.sort());
});

test('a record needs an artist and a name, and nothing else', () => {
  assert.deepEqual(
    faultsOf(() => create({})),
    ['record/artist REQUIRED', 'record/name REQUIRED'],
  );
  assert.deepEqual(
    faultsOf(() => create({ artist: ' \t', name: '\u3000' })),
    ['record/artist BLANK', 'record/name BLANK'],
  );
  assert.deepEqual(
    faultsOf(() => parseNewRecord({ record: undefined }, now)),
    ['record REQUIRED'],
  );
  const columns = create(named);
  assert.equal(Object.keys(columns).length, settableFields.length, 'price_paid has no column of its own, media have two');
  assert.deepEqual(
    Object.entries(columns).filter(([, value]) => value !== null),
    [
      ['artist', 'Miles Davis'],
      ['name', 'Kind of Blue'],
      ['media', []],
      ['aliases', []],
    ],
  );
});

test('free text is kept as it is, the empty one too', () => {
  const columns = create({ ...named, artist: '  AC/DC ', notes: '', label: "Robert'); drop table--", format: ' LP  ' });
  assert.equal(columns.artist, '  AC/DC ');
  assert.equal(columns.notes, '');
  assert.equal(columns.label, "Robert'); drop table--");
  assert.equal(columns.format, ' LP  ');
});

test('an empty grade, date, time, price or currency is none', () => {
  const columns = create({ ...named, sleeveGrade: '', recordGrade: ' ', purchasedAt: '', addedAt: '', price: '', currency: '' });
  for (const name of ['sleeve_grade', 'given_grade', 'purchased_at', 'added_at', 'price', 'currency'] as const)
    assert.equal(columns[name], null);
});

test('no is not absence', () => {
  const columns = create({ ...named, hasInsert: false, isPromo: true, rating: 0 });
  assert.deepEqual([columns.has_insert, columns.is_promo, columns.has_booklet, columns.rating], [false, true, null, 0]);
});

test('every fault is named at once, where it is', () => {
  assert.deepEqual(
    faultsOf(() =>
      create({
        name: 'x',
        recordGrade: 'good enough',
        purchasedAt: '2023-02-29',
        releaseYear: 1859,
        pressingYear: 2026,
        price: '1.234',
        currency: 'ZZZ',
        addedAt: 'now',
        aliases: ['ok', ' '],
        media: [{ index: 1, kind: 'CD', sizeInch: 0, speedRpm: 0, discGrade: '?', sides: [] }],
      }),
    ),
    [
      'record/artist REQUIRED',
      'record/record_grade NOT_A_GRADE',
      'record/purchased_at NOT_A_DATE',
      'record/price NOT_A_PRICE',
      'record/currency NOT_A_CURRENCY',
      'record/release_year OUT_OF_RANGE',
      'record/pressing_year OUT_OF_RANGE',
      'record/media/0/disc_grade NOT_A_GRADE',
      'record/aliases/1 BLANK',
      'record/added_at NOT_A_TIME',
    ],
  );
});

const prices: readonly { readonly name: string; readonly input: Partial<Record>; readonly expected: string | null | readonly string[] }[] =
  [
    { name: 'price alone', input: { price: '12.5' }, expected: '12.50' },
    { name: 'price_paid alone', input: { pricePaid: 12.5 }, expected: '12.50' },
    { name: 'both and equal', input: { price: '12.50', pricePaid: 12.5 }, expected: '12.50' },
    { name: 'both, equal but for noise', input: { price: '0.30', pricePaid: 0.1 + 0.2 }, expected: '0.30' },
    { name: 'both and different', input: { price: '12.50', pricePaid: 12.51 }, expected: ['record/price_paid CONFLICTING_PRICES'] },
    { name: 'nothing and zero', input: { price: '', pricePaid: 0 }, expected: '0.00' },
    { name: 'both wrong', input: { price: 'x', pricePaid: -1 }, expected: ['record/price NOT_A_PRICE', 'record/price_paid NOT_A_PRICE'] },
    { name: 'neither', input: {}, expected: null },
  ];

for (const { name, input, expected } of prices)
  test(`a record with ${name} costs ${JSON.stringify(expected)}`, () => {
    if (Array.isArray(expected))
      assert.deepEqual(
        faultsOf(() => create({ ...named, ...input })),
        expected,
      );
    else assert.equal(create({ ...named, ...input }).price, expected);
  });

test('media say their worst grade beside the one that was given', () => {
  const columns = create({
    ...named,
    recordGrade: 'M',
    media: [{ index: 0, kind: 'VINYL', sizeInch: 12, speedRpm: 33, discGrade: 'vg plus', sides: [] }],
  });
  assert.deepEqual([columns.given_grade, columns.media_grade], ['M', 'VG+']);
});

const changes: readonly {
  readonly name: string;
  readonly mask: string[] | undefined;
  readonly input: Partial<Record>;
  readonly expected: object;
}[] = [
  { name: 'one field by mask', mask: ['notes'], input: { ...named, notes: 'new' }, expected: { notes: 'new' } },
  { name: 'a field in the mask that is absent', mask: ['notes', 'rating'], input: {}, expected: { notes: null, rating: null } },
  {
    name: 'a list in the mask that is empty',
    mask: ['aliases', 'media'],
    input: {},
    expected: { aliases: [], media: [], media_grade: null },
  },
  {
    name: 'no mask',
    mask: undefined,
    input: { notes: 'x', hasInsert: false, rating: 0, sleeveGrade: 'nm' },
    expected: { notes: 'x', has_insert: false, rating: 0, sleeve_grade: 'NM' },
  },
  { name: 'an empty mask and lists that hold something', mask: [], input: { aliases: ['A'] }, expected: { aliases: ['A'] } },
  { name: 'no mask and nothing set', mask: undefined, input: {}, expected: {} },
  {
    name: 'no mask and an empty grade',
    mask: undefined,
    input: { sleeveGrade: '', notes: '' },
    expected: { sleeve_grade: null, notes: '' },
  },
  {
    name: 'price alone in the mask, with a price_paid that is not',
    mask: ['price'],
    input: { price: '2', pricePaid: 1 },
    expected: { price: '2.00' },
  },
  { name: 'price_paid alone in the mask', mask: ['price_paid'], input: { price: '2', pricePaid: 1 }, expected: { price: '1.00' } },
  { name: 'price cleared by either name', mask: ['price_paid'], input: { price: '2' }, expected: { price: null } },
  { name: 'the grade as given', mask: ['record_grade'], input: { recordGrade: 'ex' }, expected: { given_grade: 'EX' } },
];

for (const { name, mask, input, expected } of changes)
  test(`a change with ${name} changes ${JSON.stringify(expected)} and nothing else`, () => {
    assert.deepEqual(change(mask, input), expected);
  });

test('the mask * replaces: whatever is absent is cleared', () => {
  assert.deepEqual(change(['*'], named), create(named));
  assert.deepEqual(
    faultsOf(() => change(['*'], { artist: 'x' })),
    ['record/name REQUIRED'],
  );
});

test('artist and name cannot be cleared', () => {
  assert.deepEqual(
    faultsOf(() => change(['artist', 'name'], { name: ' ' })),
    ['record/artist REQUIRED', 'record/name BLANK'],
  );
});

test('a mask names no field that only the platform sets, and none that does not exist', () => {
  for (const name of ['id', 'user_id', 'created_at', 'updated_at', 'etag', 'nothing', 'media.kind', 'constructor'])
    assert.deepEqual(
      faultsOf(() => change(['notes', name], {})),
      ['update_mask/1 UNKNOWN_MASK_PATH'],
      name,
    );
});
