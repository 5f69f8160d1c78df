import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Medium, Side } from '../../proto/generated/records.ts';
import { Faults } from './faults.ts';
import { parseMedia, sideLetters } from './media.ts';

type Given = Partial<Omit<Medium, 'sides'>> & { readonly sides?: readonly Partial<Side>[] };

/** As a message arrives: what is not given is at its zero value. */
const mediumOf = ({ sides = [], ...given }: Given): Medium => ({
  index: 0,
  kind: 'MEDIA_KIND_UNSPECIFIED',
  sizeInch: 0,
  speedRpm: 0,
  discGrade: '',
  ...given,
  sides: sides.map((side) => ({ letter: '', grade: '', ...side })),
});

function parse(...given: Given[]) {
  const faults = new Faults();
  const { media, grade } = parseMedia(given.map(mediumOf), ['record', 'media'], faults);
  return { media, grade, faults: faults.violations.map(({ path, reason }) => `${path.slice(2).join('/')} ${reason}`) };
}

test('sides are lettered on from disc to disc', () => {
  assert.deepEqual([1, 2, 13, 14, 100].map(sideLetters), [
    ['A', 'B'],
    ['C', 'D'],
    ['Y', 'Z'],
    ['AA', 'AB'],
    ['GQ', 'GR'],
  ]);
});

test('an index left out is the place, a letter left out the next of its disc', () => {
  const { media, faults } = parse({ sides: [{ grade: 'nm' }, {}] }, { kind: 'VINYL', sizeInch: 12, speedRpm: 33, sides: [{}, {}] });
  assert.deepEqual(faults, []);
  assert.deepEqual(media, [
    {
      index: 1,
      kind: 'MEDIA_KIND_UNSPECIFIED',
      sizeInch: 0,
      speedRpm: 0,
      discGrade: '',
      sides: [
        { letter: 'A', grade: 'NM' },
        { letter: 'B', grade: '' },
      ],
    },
    {
      index: 2,
      kind: 'VINYL',
      sizeInch: 12,
      speedRpm: 33,
      discGrade: '',
      sides: [
        { letter: 'C', grade: '' },
        { letter: 'D', grade: '' },
      ],
    },
  ]);
});

test('media stand in the order of their index, sides in that of their letters', () => {
  const { media } = parse({ index: 2, sides: [{ letter: 'd' }, { letter: 'c' }] }, { index: 1 });
  assert.deepEqual(
    media.map(({ index, sides }) => [index, sides.map(({ letter }) => letter).join('')]),
    [
      [1, ''],
      [2, 'CD'],
    ],
  );
});

test('the grade of all media is the worst of discs and sides, and there is none where they have none', () => {
  assert.equal(parse({ discGrade: 'NM', sides: [{ grade: 'VG plus' }, { grade: 'M' }] }, { discGrade: 'EX' }).grade, 'VG+');
  assert.equal(parse({ sides: [{}] }, { discGrade: '  ' }).grade, undefined);
  assert.equal(parse().grade, undefined);
});

const refused: readonly { readonly name: string; readonly input: readonly Given[]; readonly expected: readonly string[] }[] = [
  { name: 'two media with one index', input: [{ index: 1 }, { index: 1 }], expected: ['1/index DUPLICATE'] },
  { name: 'a given index that is a place too', input: [{ index: 2 }, {}], expected: ['1/index DUPLICATE'] },
  { name: 'a size that is none', input: [{ sizeInch: 11 }], expected: ['0/size_inch NOT_A_SIZE'] },
  { name: 'a speed that is none', input: [{ speedRpm: 16 }], expected: ['0/speed_rpm NOT_A_SPEED'] },
  { name: 'a CD of 12 inches', input: [{ kind: 'CD', sizeInch: 12 }], expected: ['0/size_inch NOT_APPLICABLE'] },
  { name: 'a cassette at 45', input: [{ kind: 'CASSETTE', speedRpm: 45 }], expected: ['0/speed_rpm NOT_APPLICABLE'] },
  { name: 'a letter of another disc', input: [{}, { sides: [{ letter: 'A' }] }], expected: ['1/sides/0/letter NOT_A_SIDE'] },
  { name: 'a third side', input: [{ sides: [{}, {}, {}] }], expected: ['0/sides/2/letter NOT_A_SIDE'] },
  { name: 'a side twice', input: [{ sides: [{ letter: 'B' }, { letter: 'b' }] }], expected: ['0/sides/1/letter DUPLICATE'] },
  {
    name: 'everything at once',
    input: [{ discGrade: 'bad', sides: [{ grade: 'worse' }] }, { speedRpm: -1 }],
    expected: ['0/disc_grade NOT_A_GRADE', '0/sides/0/grade NOT_A_GRADE', '1/speed_rpm NOT_A_SPEED'],
  },
];

for (const { name, input, expected } of refused)
  test(`${name} is refused where it stands`, () => {
    assert.deepEqual(parse(...input).faults, expected);
  });
