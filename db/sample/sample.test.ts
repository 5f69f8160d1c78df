import assert from 'node:assert/strict';

import { readFileSync } from 'node:fs';

import { test } from 'node:test';

import { parseGrade } from '../../functions/records/grades.ts';

import { MediaKind } from '../../proto/generated/records.ts';

import { columns, readCollection, sampleFile, toRecord } from '../../scripts/demo/collection.ts';

const rows = readCollection(sampleFile);

/** Names every row at fault, so that one run shows them all. */
function noneOf(says: string, wrong: readonly { Artist: string; Title: string }[]): void {
  assert.deepEqual(
    wrong.map((row) => `${row.Artist} – ${row.Title}`),
    [],
    says,
  );
}

test('the sample has the columns of a Discogs collection export, in their order', () => {
  const header = readFileSync(sampleFile, 'utf8').split('\n', 1)[0];
  assert.equal(header, columns.join(','));
});

test('the sample holds at least 200 records', () => {
  assert.ok(rows.length >= 200, `${rows.length} rows`);
});

test('each record names artist, title, label, catalogue number and format', () => {
  const needed = ['Artist', 'Title', 'Label', 'Catalog#', 'Format'] as const;
  noneOf(
    'rows with an empty cell, or one with blanks around it',
    rows.filter((row) => needed.some((column) => row[column] === '' || row[column] !== row[column].trim())),
  );
});

test('no record is there twice', () => {
  const seen = new Set<string>();
  noneOf(
    'a label gives a catalogue number once',
    rows.filter((row) => {
      const key = [row.Label, row['Catalog#']].join(' ').toLowerCase().replaceAll(/\W/gu, '');
      return seen.size === seen.add(key).size;
    }),
  );
});

test('years are real, and no record was added before it came out', () => {
  noneOf(
    'Released is no year from 1900 on',
    rows.filter((row) => !/^(19|20)\d\d$/.test(row.Released)),
  );
  noneOf(
    'Date Added is no time, or before Released',
    rows.filter(
      (row) =>
        !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(row['Date Added']) ||
        Number.isNaN(Date.parse(`${row['Date Added']}Z`)) ||
        Number(row['Date Added'].slice(0, 4)) < Number(row.Released),
    ),
  );
});

test('grades are ones that the records functions understand', () => {
  noneOf(
    'Collection Media Condition is no grade',
    rows.filter((row) => parseGrade(row['Collection Media Condition']) === undefined),
  );
  noneOf(
    'Collection Sleeve Condition is neither a grade nor one of Discogs’ words for none',
    rows.filter((row) => {
      const { sleeveGrade } = toRecord(row);
      return sleeveGrade !== undefined && parseGrade(sleeveGrade) === undefined;
    }),
  );
  noneOf(
    'Rating is empty or 1 to 5',
    rows.filter((row) => !/^[1-5]?$/.test(row.Rating)),
  );
});

test('every format becomes media, and the sample has all kinds of them', () => {
  const media = rows.map((row) => toRecord(row).media ?? []);
  noneOf(
    'Format is not understood',
    rows.filter((_, i) => media[i]?.length === 0),
  );
  const kinds = new Set(media.flat().map((medium) => medium.kind));
  assert.deepEqual([...kinds].sort(), [MediaKind.CASSETTE, MediaKind.CD, MediaKind.VINYL].sort());
  const sizes = new Set(media.flat().map((medium) => medium.sizeInch));
  assert.deepEqual(
    [...sizes].sort((a, b) => a - b),
    [0, 7, 10, 12],
  );
  assert.ok(
    media.some((discs) => discs.length > 1),
    'an album of several discs',
  );
});

test('names in several scripts are there', () => {
  for (const script of ['Latin', 'Cyrillic', 'Han', 'Hiragana'])
    assert.ok(
      rows.some((row) => new RegExp(`\\p{Script=${script}}`, 'u').test(row.Artist)),
      script,
    );
});

test('a row becomes a record without empty fields', () => {
  const row = rows.find((each) => each.Title === 'Metal Box');
  assert.ok(row);
  const { addedAt, rating, recordGrade, sleeveGrade, ...record } = toRecord(row);
  assert.deepEqual(record, {
    artist: 'Public Image Ltd.',
    name: 'Metal Box',
    catalogNumber: 'METAL 1',
    label: 'Virgin',
    format: '3x12", Album',
    notes: 'Tin has light rust; paper separators present.',
    collectionFolder: 'Punk & Indie',
    releaseYear: 1979,
    media: [1, 2, 3].map((index) => ({ index, kind: 'VINYL', sizeInch: 12, speedRpm: 0, discGrade: '', sides: [] })),
  });
  assert.ok(Object.values(toRecord(row)).every((value) => value !== '' && value !== undefined));
});
