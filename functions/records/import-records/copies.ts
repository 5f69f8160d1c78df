/** Rows that one import may have. */
export const rowsMax = 1_000_000;

/** Two 32-bit hashes of a text (FNV-1a with two bases), together as good as one of 64 bits. */
function hashesOf(text: string): [number, number] {
  let one = 0x811c9dc5;
  let two = 0x9747b28c;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    one = Math.imul(one ^ unit, 0x01000193);
    two = Math.imul(two ^ unit, 0x5bd1e995) ^ (two >>> 15);
  }
  return [one >>> 0, two >>> 0];
}

/**
 * Counts how often each key has been seen, in 12 bytes a slot and at most two slots a key: a Map of the texts would take some hundred
 * megabytes for a large file. An open-addressing table with linear probing, doubled when it is half full.
 */
export class Copies {
  #slots = 1024;
  #used = 0;
  #table = new Uint32Array(3 * this.#slots);

  /** @returns which copy of the key this is: 1 for the first */
  next(key: string): number {
    if (2 * this.#used >= this.#slots) this.#grow();
    const [one, two] = hashesOf(key);
    const at = this.#find(one, two);
    const table = this.#table;
    if (table[at + 2] === 0) {
      table[at] = one;
      table[at + 1] = two;
      this.#used++;
    }
    table[at + 2] = (table[at + 2] as number) + 1;
    return table[at + 2] as number;
  }

  /** Where the key stands, or could stand. */
  #find(one: number, two: number): number {
    const table = this.#table;
    for (let slot = one & (this.#slots - 1); ; slot = (slot + 1) & (this.#slots - 1)) {
      const at = 3 * slot;
      if (table[at + 2] === 0 || (table[at] === one && table[at + 1] === two)) return at;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    this.#table = new Uint32Array(3 * this.#slots);
    for (let at = 0; at < old.length; at += 3)
      if (old[at + 2] !== 0) this.#table.set(old.subarray(at, at + 3), this.#find(old[at] as number, old[at + 1] as number));
  }
}
