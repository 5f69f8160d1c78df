import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { performance } from 'node:perf_hooks';
import type { ActiveCall } from './active-call.ts';
import { type Application, asRefusal, type Decoded, type Headers } from './application.ts';
import type { Rpc } from './contract.ts';
import type { Deadlines, Waiting } from './deadlines.ts';
import { framed, MessageReader, timeoutOf } from './grpc-message.ts';
import { readGrpc } from './grpc-reader.ts';
import { trailersOnly } from './grpc-status.ts';
import { type Refusal, refuse } from './refusal.ts';

/** What all calls of one function have in common. */
export interface UnaryFace {
  readonly app: Application;
  readonly codecs: Awaited<ReturnType<Rpc<object, object>['codecs']>>;
  readonly deadlines: Deadlines;
}

/** A client's deadline began before ours, by the way of its request: its reset comes that much before our own time is up. */
const deadlineTransitMs = 100;
const okTrailers = { 'grpc-status': '0' };

const callOf = Symbol('call');
type Stream = ServerHttp2Stream & { [callOf]?: UnaryCall };

// One function for all streams: a closure for each would cost more than what it does.
function onData(this: Stream, chunk: Buffer): void {
  this[callOf]?.take(chunk);
}
function onEnd(this: Stream): void {
  this[callOf]?.start();
}
function onClose(this: Stream): void {
  this[callOf]?.gone();
}
function onWantTrailers(this: Stream): void {
  this.sendTrailers(okTrailers);
}

/** One unary call on its way through the function, from its headers on: gRPC over HTTP/2 by its specification (PROTOCOL-HTTP2.md). */
export class UnaryCall implements Waiting, Headers {
  readonly #face: UnaryFace;
  readonly #stream: Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #reader: MessageReader;
  #call: ActiveCall | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** performance.now() at which the client gives up. */
  #clientDeadline = Number.POSITIVE_INFINITY;
  #done = false;

  constructor(face: UnaryFace, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#face = face;
    this.#stream = stream;
    this.#headers = headers;
    this.#reader = new MessageReader(face.app.limits.bodyBytesMax);
    const now = performance.now();
    face.deadlines.add(this, now);
    this.#stream[callOf] = this;
    stream.on('data', onData);
    stream.on('end', onEnd);
    stream.on('close', onClose);
    try {
      this.#keepDeadline(now, timeoutOf(this.header('grpc-timeout')));
    } catch (thrown) {
      this.#end(asRefusal(thrown), undefined);
    }
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  #keepDeadline(now: number, timeoutMs: number | undefined): void {
    if (timeoutMs === undefined) return;
    this.#clientDeadline = now + timeoutMs;
    if (timeoutMs < this.#face.app.limits.timeoutSeconds * 1000)
      this.#timer = setTimeout(() => this.#interrupt(refuse('DEADLINE_EXCEEDED')), timeoutMs);
  }

  take(chunk: Buffer): void {
    if (this.#done) return;
    try {
      this.#reader.take(chunk);
    } catch (thrown) {
      this.#end(asRefusal(thrown), undefined);
    }
  }

  /** Its message is there. */
  start(): void {
    if (this.#done) return;
    const { app } = this.#face;
    this.#call = app.arrive(this);
    try {
      const performing = app.perform(this.#call, this.header('authorization'), () => this.#decode());
      if (!(performing instanceof Promise)) return this.#succeed(performing);
      performing.then(
        (response) => this.#succeed(response),
        (thrown) => this.#end(asRefusal(thrown), undefined),
      );
    } catch (thrown) {
      this.#end(asRefusal(thrown), undefined);
    }
  }

  #decode(): Decoded | Promise<Decoded> {
    const message = this.#reader.end(this.header('grpc-encoding'));
    return message instanceof Promise ? message.then((bytes) => this.#read(bytes)) : this.#read(message);
  }

  #read(bytes: Buffer): Decoded {
    const { app, codecs } = this.#face;
    if (this.#call !== undefined) this.#call.requestBytes = bytes.length;
    return readGrpc(codecs.request, app.rpc.request, bytes);
  }

  #succeed(response: object): void {
    this.#end(undefined, this.#face.codecs.response.encode(response).finish());
  }

  #interrupt(refusal: Refusal): void {
    this.#call?.cancellation.cancel(refusal);
    this.#end(refusal, undefined);
  }

  /** The server's own deadline has come. */
  expire(): void {
    this.#interrupt(refuse(this.#call === undefined ? 'REQUEST_TIMEOUT' : 'DEADLINE_EXCEEDED'));
  }

  /** The stream is closed: after the answer, or because the client gave up. */
  gone(): void {
    if (this.#done) return;
    const late = this.#clientDeadline <= performance.now() + deadlineTransitMs;
    if (this.#call !== undefined) return this.#interrupt(refuse(late ? 'DEADLINE_EXCEEDED' : 'CANCELLED'));
    this.#finish();
  }

  #finish(): void {
    this.#done = true;
    this.#face.deadlines.remove(this);
    clearTimeout(this.#timer);
  }

  #end(refusal: Refusal | undefined, message: Uint8Array | undefined): void {
    if (this.#done) return;
    this.#finish();
    const { app } = this.#face;
    this.#call ??= app.arrive(this);
    if (refusal !== undefined) refuseStream(this.#stream, refusal, this.#call.requestId);
    else if (!this.#stream.destroyed) {
      this.#stream.on('wantTrailers', onWantTrailers);
      this.#stream.respond([':status', '200', 'content-type', 'application/grpc+proto'], { waitForTrailers: true });
      this.#stream.end(framed(message as Uint8Array));
    }
    callEnded(app, this.#call, app.rpc.path, refusal, message?.length ?? 0);
  }
}

/** Logs and counts a gRPC call that has been answered. */
export function callEnded(app: Application, call: ActiveCall, route: string, refusal: Refusal | undefined, responseBytes: number): void {
  app.ended(call, {
    dialect: 'grpc',
    method: 'POST',
    route,
    status: refusal?.row.http ?? 200,
    code: refusal?.row.grpc ?? 'OK',
    reason: refusal?.reason,
    seconds: call.seconds(),
    requestBytes: call.requestBytes,
    responseBytes,
    userId: call.userId,
    callerAddress: call.callerAddress,
    cause: refusal?.cause,
  });
}

/** Answers with a refusal and nothing else. */
export function refuseStream(stream: ServerHttp2Stream, refusal: Refusal, requestId: string): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(trailersOnly(refusal, requestId), { endStream: true });
  if (stream.readableEnded) return;
  stream.resume();
  // A message that nobody will read: NO_ERROR tells the client to stop sending and to keep the answer (RFC 9113, 8.1).
  // One turn later, because nghttp2 would send the reset before the answer, and drop that.
  setImmediate(() => {
    if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}
