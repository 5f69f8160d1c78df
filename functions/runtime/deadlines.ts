import { performance } from 'node:perf_hooks';

/** What waits for its deadline: a link of the list below. */
export interface Waiting {
  expire(): void;
  expiresAt?: number;
  before?: Waiting | undefined;
  after?: Waiting | undefined;
}

/**
 * Deadlines that are all equally far away, so that the first to come is the first to expire: a linked list and one
 * timer for its head, where a timer for each request would cost more than its routing.
 */
export class Deadlines {
  readonly #milliseconds: number;
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  add(waiting: Waiting, now: number): void {
    waiting.expiresAt = now + this.#milliseconds;
    waiting.before = this.#last;
    if (this.#last === undefined) this.#first = waiting;
    else this.#last.after = waiting;
    this.#last = waiting;
    this.#timer ??= setTimeout(this.#sweep, this.#milliseconds).unref(); // whoever waits keeps the process alive by itself
  }

  /** Nothing happens where it has expired or was removed before. */
  remove(waiting: Waiting): void {
    if (waiting.expiresAt === undefined) return;
    waiting.expiresAt = undefined;
    if (waiting.before === undefined) this.#first = waiting.after;
    else waiting.before.after = waiting.after;
    if (waiting.after === undefined) this.#last = waiting.before;
    else waiting.after.before = waiting.before;
    waiting.before = undefined;
    waiting.after = undefined;
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (let due = this.#first; due?.expiresAt !== undefined && due.expiresAt <= now + 1; due = this.#first) {
      this.remove(due);
      due.expire();
    }
    if (this.#first?.expiresAt !== undefined) this.#timer = setTimeout(this.#sweep, this.#first.expiresAt - now).unref();
  };
}
