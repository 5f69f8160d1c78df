/**
 * Why something that waits should stop. What AbortSignal says, without its EventTarget: a listener on that costs a call
 * more than its routing.
 */
export interface Cancellation {
  /** Undefined while there is no reason to stop. */
  readonly reason: unknown;
  onCancel(listener: () => void): void;
  offCancel(listener: () => void): void;
}

/** A cancellation that can be told to stop, once. */
export class Canceller implements Cancellation {
  reason: unknown;
  #listeners: (() => void)[] | undefined;

  onCancel(listener: () => void): void {
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  offCancel(listener: () => void): void {
    const index = this.#listeners?.indexOf(listener) ?? -1;
    if (index >= 0) this.#listeners?.splice(index, 1);
  }

  cancel(reason: unknown): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    for (const listener of this.#listeners?.splice(0) ?? []) listener();
  }
}

/** The same of an AbortSignal. */
export const cancellationOf = (signal: AbortSignal): Cancellation => ({
  get reason() {
    return signal.aborted ? signal.reason : undefined;
  },
  onCancel: (listener) => signal.addEventListener('abort', listener, { once: true }),
  offCancel: (listener) => signal.removeEventListener('abort', listener),
});
