/**
 * Numbers that look random and are the same at each run and on each machine: whoever seeds twice has the same rows.
 * mulberry32 (public domain): 32 bits of state, enough for names and prices, far too few for secrets.
 */
export class Random {
  #state: number;

  /** @param keys say which sequence: [data set, account 7, …]. Sequences of neighbouring numbers have nothing in common. */
  constructor(...keys: readonly number[]) {
    let state = 0x9e3779b9;
    for (const key of keys) {
      state = Math.imul(state ^ (key >>> 0), 0x85ebca6b);
      state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
      state ^= state >>> 16;
    }
    this.#state = state;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, at least 0, below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** The same, with the first ones far more often than the last: how words, artists and labels are spread. */
  skewed(bound: number, power = 2): number {
    return Math.floor(bound * this.next() ** power);
  }

  pickSkewed<T>(list: readonly T[], power = 2): T {
    return list[this.skewed(list.length, power)] as T;
  }

  /** About bell-shaped around 0, with a standard deviation of 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}
