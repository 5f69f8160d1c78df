import type { Readable, Writable } from 'node:stream';

/** Names and values in turn, as Node takes them fastest. */
export type ResponseHeaders = string[];

/** One HTTP request and its answer, whatever the version. The adapters in exchange-http1.ts and exchange-http2.ts are thin. */
export interface Exchange {
  readonly dialect: 'http/1.1' | 'http/2';
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  /** By lower-case name; a header that came twice is joined by a comma. */
  header(name: string): string | undefined;
  /** The size of names and values together, in bytes. */
  readonly headerBytes: number;
  /**
   * The whole body.
   * @throws Refusal BODY_TOO_LARGE as soon as it is known to be larger than `bytesMax`; CANCELLED when the client goes away.
   */
  body(bytesMax: number): Promise<Buffer>;
  /** The body as it comes, for calls that are a stream. */
  incoming(): Readable;
  /** Begins an answer that is a stream; whoever asked for it ends it. Counts as the answer. */
  begin(status: number, headers: ResponseHeaders): Writable;
  /** Breaks a begun answer off, so that the client sees that it is not whole. */
  breakOff(): void;
  /** Answers once; later answers are ignored. A HEAD request gets the headers alone, and so does a 304. */
  answer(status: number, headers: ResponseHeaders, body: string): void;
  readonly answered: boolean;
  /** Calls back when the client goes away before the answer. */
  onGone(callback: () => void): void;
}
