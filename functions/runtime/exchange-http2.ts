import { constants, type IncomingHttpHeaders, type ServerHttp2Stream, sensitiveHeaders } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import type { Exchange, ResponseHeaders } from './exchange.ts';
import { readStream } from './read-body.ts';

/** Never twice the same: in the table of headers that compression keeps (RFC 7541) it would only push out the others. */
const unlikeAnyOther = ['x-request-id'];

export class Http2Exchange implements Exchange {
  readonly dialect = 'http/2';
  readonly method: string;
  readonly target: string;
  answered = false;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #rawHeaders: readonly string[];

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) {
    this.#stream = stream;
    this.#headers = headers;
    this.#rawHeaders = rawHeaders;
    this.method = headers[':method'] ?? 'GET';
    this.target = headers[':path'] ?? '/';
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  get headerBytes(): number {
    let bytes = 0;
    for (const text of this.#rawHeaders) bytes += text.length;
    return bytes;
  }

  body(bytesMax: number): Promise<Buffer> {
    if (this.#stream.endAfterHeaders) return Promise.resolve(Buffer.alloc(0));
    return readStream(this.#stream, bytesMax, this.#headers['content-length']);
  }

  incoming(): Readable {
    return this.#stream;
  }

  begin(status: number, headers: ResponseHeaders): Writable {
    this.answered = true;
    const stream = this.#stream;
    headers.push(':status', String(status));
    if (stream.destroyed || stream.closed) return stream;
    // Waiting for trailers, which there are none of, keeps the end open: else Node would send it before the reset of breakOff().
    stream.respond(headers, { endStream: this.method === 'HEAD', waitForTrailers: this.method !== 'HEAD' });
    stream.on('wantTrailers', () => stream.closed || stream.sendTrailers({}));
    return stream;
  }

  breakOff(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  answer(status: number, headers: ResponseHeaders, body: string): void {
    if (this.answered) return;
    this.answered = true;
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    const hasBody = status !== 204 && status !== 304;
    const bare = !hasBody || this.method === 'HEAD';
    // As bytes: of a string Node would count them once more, and copy them twice.
    const bytes = Buffer.from(body);
    if (hasBody) headers.push('content-length', String(bytes.length));
    (headers as unknown as Record<symbol, readonly string[]>)[sensitiveHeaders] = unlikeAnyOther;
    headers.push(':status', String(status)); // Node sends pseudo-headers first, wherever they stand
    stream.respond(headers, { endStream: bare });
    if (!bare) stream.end(bytes);
    // A body that nobody will read: NO_ERROR tells the client to stop sending and to keep the answer (RFC 9113, 8.1).
    if (status >= 400 && !stream.readableEnded && !stream.endAfterHeaders) {
      stream.resume();
      stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
    }
  }

  onGone(callback: () => void): void {
    this.#stream.on('close', () => {
      if (!this.answered) callback();
    });
  }
}
