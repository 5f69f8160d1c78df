import type { Writable } from 'node:stream';
import type { Cancellation } from './cancellation.ts';

/** Writes as fast as the client reads: whoever awaits each write never holds more than one piece (back-pressure). */
export class StreamWriter {
  readonly #stream: Writable;
  readonly #cancellation: Cancellation;
  #wake: (() => void) | undefined;
  /** Written so far. */
  bytes = 0;

  /** @param cancellation ends the waiting for a slow client */
  constructor(stream: Writable, cancellation: Cancellation) {
    this.#stream = stream;
    this.#cancellation = cancellation;
    stream.on('drain', () => this.#wake?.());
    cancellation.onCancel(() => this.#wake?.());
  }

  /** @returns a promise only where the client has to catch up first. @throws the cancellation's reason */
  write(piece: Uint8Array | string): Promise<void> | undefined {
    this.#check();
    this.bytes += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
    if (this.#stream.write(piece)) return undefined;
    return new Promise<void>((resolve) => {
      this.#wake = resolve;
    }).then(() => this.#check());
  }

  #check(): void {
    if (this.#cancellation.reason !== undefined) throw this.#cancellation.reason;
  }
}
