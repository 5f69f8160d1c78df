import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../db/seed/random.ts';
import { distance, Oracle, wordsOf } from './oracle.ts';
import { mistype, queryFor } from './queries.ts';

describe('the oracle of the search bench', () => {
  const pairs: readonly { readonly input: [string, string]; readonly expected: number }[] = [
    { input: ['metallica', 'metallica'], expected: 0 },
    { input: ['metalica', 'metallica'], expected: 1 },
    { input: ['metallicca', 'metallica'], expected: 1 },
    { input: ['metaklica', 'metallica'], expected: 1 },
    { input: ['metlalica', 'metallica'], expected: 1 },
    { input: ['mteallcia', 'metallica'], expected: 2 },
    { input: ['ca', 'abc'], expected: 3 },
    { input: ['', 'abc'], expected: 3 },
    { input: ['blondie', 'metallica'], expected: 4 },
  ];
  for (const { input, expected } of pairs)
    test(`${input.join(' and ')} are ${expected} typos apart`, () => {
      assert.equal(distance(...input, 3), expected);
      assert.equal(distance(input[1], input[0], 3), expected);
    });

  const oracle = new Oracle();
  oracle.add('a', 'motorhead ace of spades');
  oracle.add('b', 'motorhead bomber');
  oracle.add('c', 'ac/dc back in black');
  test('finds what was meant, by the sum of the typos', () => {
    assert.deepEqual(
      [...oracle.distances('motrohead')],
      [
        ['a', 1],
        ['b', 1],
      ],
    );
    assert.deepEqual([...oracle.distances('motrohead spaeds')], [['a', 2]]);
    assert.deepEqual([...oracle.distances('motorh bomb')], [['b', 0]]);
    assert.deepEqual([...oracle.distances('dc blck')], [['c', 1]]);
    assert.equal(oracle.distances('slayer').size, 0);
  });
  test('counts what was answered among the best', () => {
    assert.equal(oracle.recall('motrohead', ['b', 'a']), 1);
    assert.equal(oracle.recall('motrohead', ['b']), 0.5);
    assert.equal(oracle.recall('motrohead', ['c']), 0);
    assert.equal(oracle.recall('slayer', []), undefined);
  });
  test('counts only what is as near as the query has typos, where that is asked', () => {
    oracle.add('d', 'motorbed');
    assert.deepEqual([oracle.distances('motorhed').get('d'), oracle.distances('motorhed').get('a')], [1, 1]);
    assert.deepEqual([oracle.distances('mtorhead').get('d'), oracle.distances('mtorhead').get('a')], [undefined, 1]);
    assert.equal(oracle.recall('motorbe', ['d']), 1);
    oracle.add('e', 'motorhood');
    assert.equal(oracle.recall('motorheed', ['a', 'b']), 0.5);
    assert.equal(oracle.recall('motorheed', ['a', 'b'], 1), 1);
  });
  test('splits at spaces and punctuation of every script', () => {
    assert.deepEqual(wordsOf('ac/dc — 坂本, «ёлка» (vol. 2)'), ['ac', 'dc', '坂本', 'ёлка', 'vol', '2']);
  });
});

test('typed queries have one or two typos, and what was meant', () => {
  const random = new Random(5);
  for (let round = 0; round < 500; round++) {
    assert.equal(distance('satellite', mistype('satellite', random), 2), 1);
    const { query, meant, edits } = queryFor(['the', 'velvet', 'underground', 'loaded'], random) as {
      query: string;
      meant: string;
      edits: number;
    };
    const typed = query.split(' ');
    const apart = meant.split(' ').reduce((sum, word, index) => sum + distance(word, typed[index] as string, 4), 0);
    assert.ok(apart === edits && edits >= 1 && edits <= 2, `${query} for ${meant}`);
  }
  assert.equal(queryFor(['can', 'ege'], random), undefined);
});
