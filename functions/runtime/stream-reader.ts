import type { Readable } from 'node:stream';
import type { Cancellation } from './cancellation.ts';
import { refuse } from './refusal.ts';

interface Waiting {
  readonly resolve: (piece: Buffer | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A body piece by piece, as fast as it is asked for: what nobody asks for stays with the client (back-pressure).
 * Not the stream's own iterator, which would end the answer of an HTTP/2 stream together with its request.
 */
export class StreamReader {
  readonly #stream: Readable;
  readonly #bytesMax: number;
  #waiting: Waiting | undefined;
  #failure: unknown;
  #ended = false;
  /** Read so far. */
  bytes = 0;

  /** @param cancellation ends the waiting for a piece, with its reason */
  constructor(stream: Readable, bytesMax: number, cancellation: Cancellation) {
    this.#stream = stream;
    this.#bytesMax = bytesMax;
    this.#ended = stream.readableEnded;
    stream.on('readable', this.#look);
    stream.on('end', this.#end);
    stream.on('close', this.#broken);
    stream.on('error', this.#broken);
    if (cancellation.reason !== undefined) this.#fail(cancellation.reason);
    else cancellation.onCancel(() => this.#fail(cancellation.reason));
  }

  /**
   * @returns the next piece, undefined after the last one
   * @throws Refusal BODY_TOO_LARGE at the first byte too many, CANCELLED when the stream breaks off, or the cancellation's reason
   */
  next(): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#look();
    });
  }

  /** Lets go of the stream: what is left of it is somebody else's. */
  release(): void {
    this.#stream.off('readable', this.#look);
    this.#stream.off('end', this.#end);
    this.#stream.off('close', this.#broken);
  }

  readonly #look = (): void => {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (this.#failure !== undefined) {
      this.#waiting = undefined;
      waiting.reject(this.#failure);
      return;
    }
    const piece: Buffer | null = this.#ended ? null : this.#stream.read();
    if (piece === null && !this.#ended) return;
    this.#waiting = undefined;
    this.bytes += piece?.length ?? 0;
    if (this.bytes > this.#bytesMax) waiting.reject(refuse('BODY_TOO_LARGE'));
    else waiting.resolve(piece ?? undefined);
  };

  readonly #end = (): void => {
    this.#ended = true;
    this.#look();
  };

  readonly #broken = (): void => {
    if (!this.#ended) this.#fail(refuse('CANCELLED'));
  };

  #fail(why: unknown): void {
    this.#failure ??= why;
    this.#look();
  }
}
