import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthenticateRequestShape } from '../../proto/generated/auth.rpc.ts';
import {
  CreateRecordRequestShape,
  RecordShape,
  SearchRecordsRequestShape,
  UpdateRecordRequestShape,
} from '../../proto/generated/records.rpc.ts';
import { checkFields, isUuid } from './check-fields.ts';
import type { Shape } from './contract.ts';
import { fieldFaults } from './field-faults.ts';
import { readJson } from './read-json.ts';
import { Refusal } from './refusal.ts';

const caller = '01890a5d-ac96-774b-bcce-b302099a8057';
const stranger = '01890a5d-ac96-774b-bcce-b302099a8058';

const check = (shape: Shape, json: object): [string, string][] => {
  const { message, violations } = readJson(shape, json);
  assert.deepEqual(violations, []);
  return checkFields(shape, message, caller).map((violation) => [violation.path.join('/'), violation.reason]);
};

const face = '😀'; // one code point, two UTF-16 units

const cases: { name: string; shape: Shape; input: object; expected: [string, string][] }[] = [
  { name: '256 letters', shape: RecordShape, input: { artist: 'a'.repeat(256) }, expected: [] },
  { name: '257 letters', shape: RecordShape, input: { artist: 'a'.repeat(257) }, expected: [['artist', 'TOO_LONG']] },
  { name: '256 faces of two units each', shape: RecordShape, input: { artist: face.repeat(256) }, expected: [] },
  { name: '257 faces', shape: RecordShape, input: { artist: face.repeat(257) }, expected: [['artist', 'TOO_LONG']] },
  { name: '255 letters and a face', shape: RecordShape, input: { artist: 'a'.repeat(255) + face }, expected: [] },
  { name: '256 letters and a face', shape: RecordShape, input: { artist: 'a'.repeat(256) + face }, expected: [['artist', 'TOO_LONG']] },
  { name: 'an empty artist', shape: RecordShape, input: { artist: '' }, expected: [['artist', 'TOO_SHORT']] },
  { name: 'no artist', shape: RecordShape, input: {}, expected: [] },
  { name: 'an empty alias', shape: RecordShape, input: { aliases: ['a', ''] }, expected: [['aliases/1', 'TOO_SHORT']] },
  {
    name: '51 aliases',
    shape: RecordShape,
    input: { aliases: Array.from({ length: 51 }, () => 'a') },
    expected: [['aliases', 'TOO_MANY']],
  },
  { name: '21 media', shape: RecordShape, input: { media: Array.from({ length: 21 }, () => ({})) }, expected: [['media', 'TOO_MANY']] },
  { name: 'a rating of 6', shape: RecordShape, input: { rating: 6 }, expected: [['rating', 'OUT_OF_RANGE']] },
  { name: 'a rating of 0', shape: RecordShape, input: { rating: 0 }, expected: [] },
  { name: 'a negative limit', shape: SearchRecordsRequestShape, input: { limit: -1 }, expected: [['limit', 'OUT_OF_RANGE']] },
  { name: 'NUL in a text', shape: RecordShape, input: { notes: 'a\0b' }, expected: [['notes', 'NOT_STORABLE']] },
  { name: 'half a surrogate pair', shape: RecordShape, input: { notes: 'a\ud83d' }, expected: [['notes', 'NOT_STORABLE']] },
  {
    name: 'nothing where e-mail and password are required',
    shape: AuthenticateRequestShape,
    input: {},
    expected: [
      ['email', 'REQUIRED'],
      ['password', 'REQUIRED'],
    ],
  },
  { name: 'no record', shape: CreateRecordRequestShape, input: {}, expected: [['record', 'REQUIRED']] },
  {
    name: 'a record id that is none',
    shape: UpdateRecordRequestShape,
    input: { recordId: 'x', record: {} },
    expected: [['record_id', 'NOT_A_UUID']],
  },
  { name: 'a user id that is no UUID', shape: SearchRecordsRequestShape, input: { userId: 'me' }, expected: [['user_id', 'NOT_A_UUID']] },
  {
    name: 'faults deep inside',
    shape: CreateRecordRequestShape,
    input: { record: { media: [{}, { discGrade: 'x'.repeat(33), sides: [{ letter: 'ABC' }] }] } },
    expected: [
      ['record/media/1/disc_grade', 'TOO_LONG'],
      ['record/media/1/sides/0/letter', 'TOO_LONG'],
    ],
  },
  { name: 'the caller’s own id', shape: SearchRecordsRequestShape, input: { userId: caller }, expected: [] },
  { name: 'the caller’s own id in capitals', shape: SearchRecordsRequestShape, input: { userId: caller.toUpperCase() }, expected: [] },
];

for (const { name, shape, input, expected } of cases)
  test(`${name}: ${expected.length === 0 ? 'fine' : expected.map(([path, reason]) => `${reason} at ${path}`).join(', ')}`, () => {
    assert.deepEqual(check(shape, input), expected);
  });

test('somebody else’s id is refused wherever it stands, whatever else is wrong', () => {
  for (const [shape, input] of [
    [SearchRecordsRequestShape, { userId: stranger }],
    [CreateRecordRequestShape, { record: { userId: stranger, artist: '' } }],
    [UpdateRecordRequestShape, { recordId: 'x', userId: caller, record: { userId: stranger } }],
  ] as const)
    assert.throws(
      () => check(shape, input),
      (thrown) => thrown instanceof Refusal && thrown.reason === 'PERMISSION_DENIED' && thrown.violations.length === 0,
    );
});

test('what only gRPC can say is checked too: NaN, an unknown enum number', () => {
  const { message } = readJson(RecordShape, { media: [{}] });
  message.pricePaid = Number.NaN;
  (message.media as { kind: string }[])[0] = { ...(message.media as { kind: string }[])[0], kind: 'UNRECOGNIZED' };
  assert.deepEqual(
    checkFields(RecordShape, message).map((violation) => [violation.path.join('/'), violation.reason]),
    [
      ['price_paid', 'NOT_FINITE'],
      ['media/0/kind', 'UNKNOWN_VALUE'],
    ],
  );
});

test('sentences say the limit and never the value', () => {
  const { message } = readJson(RecordShape, { artist: 'secret'.repeat(99), rating: 77 });
  const says = checkFields(RecordShape, message).map((violation) => violation.says);
  assert.deepEqual(says, ['Must have at most 256 characters.', 'Must be from 0 to 5.']);
  for (const [reason, sentence] of Object.entries(fieldFaults)) assert.match(`${reason} ${sentence}`, /^[A-Z_0-9]+ [A-Z].*\.$/);
});

test('a UUID has 36 characters in its own form, of any version', () => {
  assert.ok(isUuid(caller));
  assert.ok(isUuid('00000000-0000-0000-0000-000000000000'));
  for (const text of [
    '',
    caller.slice(1),
    `${caller}0`,
    `{${caller.slice(2)}}`,
    caller.replaceAll('-', ''),
    caller.replace('0', 'g'),
    caller.replace('-', '0'),
  ])
    assert.ok(!isUuid(text), text);
});
