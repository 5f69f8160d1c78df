import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import type { Exchange, ResponseHeaders } from './exchange.ts';
import { readStream } from './read-body.ts';
import { refuse } from './refusal.ts';

/** Bytes of a refused body that are read and thrown away, so that the client gets to read why. */
const discardedBytesMax = 1024 * 1024;

/** A client that takes us for a proxy names the whole URL; a server must accept that (RFC 9112, section 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = /^https?:\/\/[^/?#]+(.*)$/i.exec(target)?.[1];
  return rest === undefined || rest.startsWith('/') ? (rest ?? target) : `/${rest}`;
}

export class Http1Exchange implements Exchange {
  readonly dialect = 'http/1.1';
  readonly method: string;
  readonly target: string;
  answered = false;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #closing: () => boolean;

  constructor(request: IncomingMessage, response: ServerResponse, closing: () => boolean) {
    this.#request = request;
    this.#response = response;
    this.#closing = closing;
    this.method = request.method ?? 'GET';
    this.target = originForm(request.url ?? '/');
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Node refuses larger headers itself (maxHeaderSize). */
  readonly headerBytes = 0;

  body(bytesMax: number): Promise<Buffer> {
    // The Functions Framework has read the body before it calls.
    const { rawBody } = this.#request as { rawBody?: Buffer };
    if (rawBody !== undefined) return rawBody.length > bytesMax ? Promise.reject(refuse('BODY_TOO_LARGE')) : Promise.resolve(rawBody);
    if (this.#request.readableEnded) return Promise.resolve(Buffer.alloc(0));
    return readStream(this.#request, bytesMax, this.#request.headers['content-length']);
  }

  incoming(): Readable {
    const { rawBody } = this.#request as { rawBody?: Buffer };
    return rawBody === undefined ? this.#request : Readable.from([rawBody]);
  }

  begin(status: number, headers: ResponseHeaders): Writable {
    this.answered = true;
    const response = this.#response;
    if (this.#closing()) headers.push('connection', 'close');
    if (!response.headersSent && !response.destroyed) response.writeHead(status, headers);
    return response;
  }

  breakOff(): void {
    this.#response.destroy();
  }

  answer(status: number, headers: ResponseHeaders, body: string): void {
    if (this.answered) return;
    this.answered = true;
    const response = this.#response;
    if (response.headersSent || response.destroyed) return;
    const hasBody = status !== 204 && status !== 304;
    if (hasBody) headers.push('content-length', String(Buffer.byteLength(body)));
    if (this.#closing()) headers.push('connection', 'close');
    response.writeHead(status, headers);
    if (!hasBody || this.method === 'HEAD') response.end();
    else response.end(body);
    if (!this.#request.complete && this.#hasBody()) this.#discard();
  }

  #hasBody(): boolean {
    const { headers } = this.#request;
    return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  }

  /** Closing with unread bytes would reset the connection and take the answer with it. */
  #discard(): void {
    const request = this.#request;
    let left = discardedBytesMax;
    const timer = setTimeout(() => request.destroy(), 1_000);
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) request.destroy();
    });
    request.on('error', () => {});
    request.on('close', () => clearTimeout(timer));
    request.resume();
  }

  onGone(callback: () => void): void {
    this.#response.on('close', () => {
      if (!this.answered) callback();
    });
  }
}
