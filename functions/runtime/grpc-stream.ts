import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { performance } from 'node:perf_hooks';
import type { ActiveCall } from './active-call.ts';
import { type Application, asRefusal, type Decoded, type Headers } from './application.ts';
import { checkFields } from './check-fields.ts';
import type { Waiting } from './deadlines.ts';
import { readFrames } from './grpc-frames.ts';
import { framed, timeoutOf } from './grpc-message.ts';
import { readGrpc } from './grpc-reader.ts';
import { statusOf } from './grpc-status.ts';
import { callEnded, refuseStream, type UnaryFace } from './grpc-unary.ts';
import { type Refusal, refuse, refuseFields } from './refusal.ts';
import { StreamReader } from './stream-reader.ts';
import { StreamWriter } from './stream-writer.ts';

/** A client's deadline began before ours, by the way of its request: its reset comes that much before our own time is up. */
const deadlineTransitMs = 100;

/** One gRPC call whose answer is a stream, and maybe its request too (PROTOCOL-HTTP2.md). */
export class StreamCall implements Waiting, Headers {
  readonly #app: Application;
  readonly #face: UnaryFace;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #call: ActiveCall;
  readonly #reader: StreamReader;
  #writer: StreamWriter | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** performance.now() at which the client gives up. */
  #clientDeadline = Number.POSITIVE_INFINITY;
  #done = false;

  constructor(face: UnaryFace, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#face = face;
    this.#app = face.app;
    this.#stream = stream;
    this.#headers = headers;
    this.#call = face.app.arrive(this);
    this.#reader = new StreamReader(stream, face.app.limits.bodyBytesMax, this.#call.cancellation);
    face.deadlines.add(this, performance.now());
    stream.on('close', () => this.#gone());
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  async run(): Promise<void> {
    try {
      this.#keepDeadline();
      const performing = this.#app.perform(this.#call, this.header('authorization'), () => this.#decode());
      const { response } = this.#face.codecs;
      for await (const answer of (await performing) as AsyncIterable<object>) {
        if (this.#done) return;
        const waiting = (this.#writer ?? this.#begin()).write(framed(response.encode(answer).finish()));
        if (waiting !== undefined) await waiting;
      }
      this.#finish(undefined);
    } catch (thrown) {
      this.#finish(asRefusal(thrown));
    }
  }

  #keepDeadline(): void {
    const timeoutMs = timeoutOf(this.header('grpc-timeout'));
    if (timeoutMs === undefined) return;
    this.#clientDeadline = performance.now() + timeoutMs;
    if (timeoutMs < this.#app.limits.timeoutSeconds * 1000)
      this.#timer = setTimeout(() => this.#interrupt(refuse('DEADLINE_EXCEEDED')), timeoutMs);
  }

  #decode(): Decoded | Promise<Decoded> {
    return this.#app.rpc.clientStreaming ? { message: this.#requests(), violations: [] } : this.#onlyRequest();
  }

  #read(bytes: Buffer): Decoded {
    this.#call.requestBytes = this.#reader.bytes;
    return readGrpc(this.#face.codecs.request, this.#app.rpc.request, bytes);
  }

  async #onlyRequest(): Promise<Decoded> {
    let only: Decoded | undefined;
    for await (const bytes of readFrames(this.#reader, this.header('grpc-encoding'))) {
      if (only !== undefined) throw refuse('MALFORMED_BODY');
      only = this.#read(bytes);
    }
    if (only === undefined) throw refuse('MALFORMED_BODY');
    return only;
  }

  /** Each message is checked as it comes, by the rules that a single one has. */
  async *#requests(): AsyncGenerator<object> {
    for await (const bytes of readFrames(this.#reader, this.header('grpc-encoding'))) {
      const { message, violations } = this.#read(bytes);
      const faults = [...violations, ...checkFields(this.#app.rpc.request, message, this.#call.userId ?? '')];
      if (faults.length > 0) throw refuseFields(faults);
      yield message;
    }
  }

  #begin(): StreamWriter {
    this.#stream.respond([':status', '200', 'content-type', 'application/grpc+proto', 'x-request-id', this.#call.requestId], {
      waitForTrailers: true,
    });
    this.#writer = new StreamWriter(this.#stream, this.#call.cancellation);
    return this.#writer;
  }

  /** The server's own deadline has come. */
  expire(): void {
    this.#interrupt(refuse('DEADLINE_EXCEEDED'));
  }

  #gone(): void {
    const late = this.#clientDeadline <= performance.now() + deadlineTransitMs;
    this.#interrupt(refuse(late ? 'DEADLINE_EXCEEDED' : 'CANCELLED'));
  }

  #interrupt(refusal: Refusal): void {
    if (this.#done) return;
    this.#call.cancellation.cancel(refusal);
    this.#finish(refusal);
  }

  #finish(refusal: Refusal | undefined): void {
    if (this.#done) return;
    this.#done = true;
    this.#face.deadlines.remove(this);
    clearTimeout(this.#timer);
    this.#reader.release();
    const stream = this.#stream;
    if (refusal !== undefined && this.#writer === undefined) refuseStream(stream, refusal, this.#call.requestId);
    else if (!stream.destroyed && !stream.closed) {
      if (this.#writer === undefined) this.#begin();
      const trailers = refusal === undefined ? { 'grpc-status': '0' } : statusOf(refusal, this.#call.requestId);
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.end();
      this.#stopSending();
    }
    callEnded(this.#app, this.#call, this.#app.rpc.path, refusal, this.#writer?.bytes ?? 0);
  }

  /** What is still coming nobody will read: NO_ERROR tells the client to stop sending and to keep the answer (RFC 9113, 8.1). */
  #stopSending(): void {
    const stream = this.#stream;
    if (stream.readableEnded) return;
    stream.resume();
    stream.once('finish', () => setImmediate(() => !stream.readableEnded && !stream.destroyed && stream.close(constants.NGHTTP2_NO_ERROR)));
  }
}
