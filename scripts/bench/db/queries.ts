import type postgres from 'postgres';
import type { DataSet } from '../../db/seed/accounts.ts';
import { Random } from '../../db/seed/random.ts';
import { distance } from './oracle.ts';

/** A search as somebody types it. */
export interface TypedQuery {
  readonly query: string;
  /** What was meant. */
  readonly meant: string;
  /** Typos in it: letters wrong, left out, too many, or two swapped. */
  readonly edits: number;
}

/** Words that are typed wrongly here are at least so long: of "Can" with a typo nobody could say what it was. */
const wordLengthMin = 5;
const queriesMax = 200_000;
const alphabet = 'abcdefghijklmnopqrstuvwxyz';

/** One typo in a word, not in its first letter. */
export function mistype(word: string, random: Random): string {
  const letters = [...word];
  const at = 1 + random.below(letters.length - 1);
  const other = alphabet[random.below(alphabet.length)] as string;
  const kind = random.below(4);
  if (kind === 0) letters.splice(at, 1);
  else if (kind === 1) letters.splice(at, 0, other);
  else if (kind === 2 && at + 1 < letters.length) [letters[at], letters[at + 1]] = [letters[at + 1] as string, letters[at] as string];
  else letters[at] = other;
  const typed = letters.join('');
  return typed === word ? mistype(word, random) : typed;
}

/**
 * A query for a record: one to three words of its artist and name, in normal form, with one or two typos in its long words.
 * @param norm words of artist and name
 * @returns undefined where the record has no word that is long enough
 */
export function queryFor(norm: readonly string[], random: Random): TypedQuery | undefined {
  const long = norm.filter((word) => /^\p{L}+$/u.test(word) && [...word].length >= wordLengthMin);
  if (long.length === 0) return undefined;
  const first = random.pick(long);
  const others = norm.filter((word) => word !== first && /^\p{L}+$/u.test(word));
  const words = [first, ...Array.from({ length: Math.min(random.below(3), others.length) }, () => random.pick(others))];
  const meant = [...new Set(words)];
  const typed = [...meant];
  const edits = 1 + random.below(2);
  const able = () => meant.flatMap((word, index) => (typed[index] === word && [...word].length >= wordLengthMin ? [index] : []));
  for (let edit = 0; edit < edits; edit++) {
    const [untouched] = able();
    // The second typo is in another word, or in the same one where that is long.
    const index = untouched ?? meant.findIndex((word) => [...word].length >= 8);
    if (index === -1) break;
    typed[index] = mistype(typed[index] as string, random);
  }
  // Two typos in one word may add up to one, or to none.
  const made = meant.reduce((sum, word, index) => sum + distance(word, typed[index] as string, edits), 0);
  return made === 0 ? queryFor(norm, random) : { query: typed.join(' '), meant: meant.join(' '), edits: made };
}

/** Fills bench.queries and bench.prefixes: no query twice. In the data set "heaviest" all are of the account that owns everything. */
export async function makeQueries(sql: postgres.Sql, set: DataSet): Promise<void> {
  const rows = await sql<
    {
      n: number;
      user_id: string;
      session_id: string;
      record_id: string;
      words: string;
      artist: string;
      label: string | null;
      catalog_number: string | null;
    }[]
  >`
    select c.*, records.normal_form(r.artist || ' ' || r.name) as words, r.artist, r.label, r.catalog_number
    from bench.calls c join records.records r on r.user_id = c.user_id and r.id = c.record_id
    where ${set === 'skewed'} or r.user_id = (select id from auth.accounts where email_key = 'heaviest-1@seed.example')
    order by c.n limit ${queriesMax}`;
  const random = new Random(31);
  const seen = new Set<string>();
  const queries: object[] = [];
  const prefixes: object[] = [];
  for (const { words, artist, label, catalog_number, n: _, ...call } of rows) {
    const made = queryFor(words.split(' '), random);
    const key = `${call.user_id} ${made?.query}`;
    if (made !== undefined && !seen.has(key)) {
      seen.add(key);
      queries.push({ ...call, ...made, n: queries.length + 1 });
    }
    const [field, text] = random.pick([
      ['ARTIST', artist],
      ['LABEL', label],
      ['CATALOG_NUMBER', catalog_number],
    ] as const);
    // As one types: mostly few letters yet.
    const prefix = [...(text ?? '')]
      .slice(0, 1 + random.skewed(8, 1.3))
      .join('')
      .trimEnd();
    const count = 5 + random.below(16);
    const asked = `${call.user_id} ${field} ${prefix} ${count}`;
    if (prefix === '' || seen.has(asked)) continue;
    seen.add(asked);
    prefixes.push({ user_id: call.user_id, session_id: call.session_id, field, prefix, count, n: prefixes.length + 1 });
  }
  await sql`insert into bench.queries (n, user_id, session_id, query, meant, edits, record_id)
    select n, user_id, session_id, query, meant, edits, record_id
    from json_to_recordset(${JSON.stringify(queries)}::text::json)
      q(n int, user_id uuid, session_id uuid, query text, meant text, edits int, record_id uuid)`;
  await sql`insert into bench.prefixes (n, user_id, session_id, field, prefix, count)
    select n, user_id, session_id, field, prefix, count
    from json_to_recordset(${JSON.stringify(prefixes)}::text::json) p(n int, user_id uuid, session_id uuid, field text, prefix text, count int)`;
}
