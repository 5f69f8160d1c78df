/**
 * Optimal string alignment distance: letters wrong, left out, too many, and neighbours that have changed places, each letter touched once
 * (Boytsov, "Indexing methods for approximate dictionary searching", 2011). Counted in UTF-16 units.
 * @param most beyond it the answer is most + 1, sooner
 */
export function distance(one: string, other: string, most: number): number {
  const [n, m] = [one.length, other.length];
  if (Math.abs(n - m) > most) return most + 1;
  let before: number[] = [];
  let above = Array.from({ length: m + 1 }, (_, j) => j);
  for (let i = 1; i <= n; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= m; j++) {
      const same = one.charCodeAt(i - 1) === other.charCodeAt(j - 1);
      let value = Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + (same ? 0 : 1));
      if (i > 1 && j > 1 && one.charCodeAt(i - 1) === other.charCodeAt(j - 2) && one.charCodeAt(i - 2) === other.charCodeAt(j - 1))
        value = Math.min(value, (before[j - 2] as number) + 1);
      row.push(value);
      if (value < least) least = value;
    }
    // A later row is never less than the least of the two before it.
    if (least > most && Math.min(...above) > most) return most + 1;
    [before, above] = [above, row];
  }
  return Math.min(above[m] as number, most + 1);
}

/** The words of a text in normal form: what stands between spaces and punctuation. */
export const wordsOf = (norm: string): string[] => norm.split(/[^\p{L}\p{N}\p{M}]+/u).filter(Boolean);

/** Typos that a word of the query may hold: none where nobody could say what was meant. */
const editsMax = (word: string): number => (word.length < 3 ? 0 : word.length < 4 ? 1 : 2);

/** What a search must find, worked out by looking at every record: slowly, and without any of the search's own code. */
export class Oracle {
  readonly #ids: string[] = [];
  readonly #words: Uint32Array[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #vocabulary: string[] = [];

  get records(): number {
    return this.#ids.length;
  }

  /** @param norm all that a record is found by, in normal form */
  add(id: string, norm: string): void {
    this.#ids.push(id);
    this.#words.push(Uint32Array.from(new Set(wordsOf(norm).map((word) => this.#numberOf(word)))));
  }

  #numberOf(word: string): number {
    let number = this.#numbers.get(word);
    if (number === undefined) {
      number = this.#vocabulary.length;
      this.#vocabulary.push(word);
      this.#numbers.set(word, number);
    }
    return number;
  }

  /**
   * The records that the query could mean, by their distance: the sum, over the words of the query, of the distance to the nearest word of
   * the record; 0 where it begins one. A record where some word is too far from all of its words isn't one of them.
   */
  distances(query: string): Map<string, number> {
    const near = wordsOf(query).map((word) => {
      const most = editsMax(word);
      return Uint8Array.from(this.#vocabulary, (other) =>
        other.startsWith(word) ? 0 : distance(word, other, most) > most ? 255 : distance(word, other, most),
      );
    });
    const found = new Map<string, number>();
    for (const [index, words] of this.#words.entries()) {
      let sum = 0;
      for (const of of near) {
        let least = 255;
        for (const word of words) if ((of[word] as number) < least) least = of[word] as number;
        sum += least;
        if (least === 255) break;
      }
      if (sum < 255) found.set(this.#ids[index] as string, sum);
    }
    return found;
  }

  /**
   * Which part of the best ten was answered. Of records that are equally far, any will do; where there are less than ten, all of them count.
   * @param most only records that are not further than so many typos are looked for
   * @returns undefined where no record could be meant
   */
  recall(query: string, answered: readonly string[], most = 254): number | undefined {
    const distances = this.distances(query);
    const sorted = [...distances.values()].filter((distance) => distance <= most).sort((one, other) => one - other);
    if (sorted.length === 0) return undefined;
    const wanted = Math.min(10, sorted.length);
    const limit = sorted[wanted - 1] as number;
    const hits = answered.slice(0, 10).filter((id) => (distances.get(id) ?? 255) <= limit).length;
    return Math.min(1, hits / wanted);
  }
}
