import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from 'node:http2';
import { performance } from 'node:perf_hooks';
import { status as grpcStatus, Server, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { descriptors } from '../../proto/generated/descriptors.ts';
import type { ActiveCall } from './active-call.ts';
import { type Application, asRefusal, type Headers } from './application.ts';
import type { Rpc } from './contract.ts';
import { Deadlines, type Waiting } from './deadlines.ts';
import { readGrpc } from './grpc-reader.ts';
import { grpcErrorOf, trailersOnly } from './grpc-status.ts';
import { grpcStreamHandler } from './grpc-stream-handler.ts';
import { addHealth } from './health.ts';
import { addReflection } from './reflection.ts';
import { type commonRefusals, type Refusal, refuse } from './refusal.ts';

/** The gRPC side of one function: its rpc, reflection and health. Loaded when the first gRPC stream arrives. */
export interface GrpcSide {
  serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: readonly string[]): void;
  /** Ends health watches, before a drain. */
  stop(): void;
}

/** A client's deadline began before ours, by the way of its request: its reset comes that much before our own time is up. */
const deadlineTransitMs = 100;

const asTheyAre = (bytes: Buffer): Buffer => bytes;
const alwaysServed = /^\/grpc\.(reflection\.v1(alpha)?\.ServerReflection|health\.v1\.Health)\//;

export async function createGrpcSide(app: Application): Promise<GrpcSide> {
  const { rpc, limits } = app;
  const codecs = (await rpc.codecs()) as Codecs;
  const server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': limits.bodyBytesMax,
    'grpc.max_send_message_length': -1,
  });

  const deadlines = new Deadlines(limits.timeoutSeconds * 1000);
  const arriving = new Map<string, GrpcCall>();
  const unary = (grpcCall: UnaryCall, callback: sendUnaryData<Buffer>): void => {
    const [id] = grpcCall.metadata.get(callIdName) as [string];
    const call = arriving.get(id);
    arriving.delete(id);
    call?.start(grpcCall, callback);
  };
  let arrived = 0;

  server.addService(
    {
      [rpc.name]: {
        path: rpc.path,
        requestStream: false,
        responseStream: false,
        requestSerialize: asTheyAre,
        requestDeserialize: asTheyAre,
        responseSerialize: asTheyAre,
        responseDeserialize: asTheyAre,
      },
    },
    { [rpc.name]: unary },
  );
  addReflection(server, descriptors);
  const health = addHealth(server, [rpc.service]);
  const handle = grpcStreamHandler(server);

  return {
    serve(stream, headers, flags, rawHeaders) {
      const path = headers[':path'] ?? '';
      if (headerBytes(rawHeaders) > limits.headerBytesMax) return refuseStream(app, stream, headers, '', 'HEADERS_TOO_LARGE');
      if (path === rpc.path) {
        const id = String(++arrived);
        const call = new GrpcCall(app, codecs, deadlines, stream, headers, () => arriving.delete(id));
        arriving.set(id, call);
        return handle(stream, headersForGrpc(headers, id), flags);
      }
      if (alwaysServed.test(path)) return handle(stream, headers, flags);
      refuseStream(app, stream, headers, '', 'ROUTE_NOT_FOUND');
    },
    stop: () => health.stop(),
  };
}

type UnaryCall = ServerUnaryCall<Buffer, Buffer>;
type Codecs = Awaited<ReturnType<Rpc<object, object>['codecs']>>;

/** By this name a call is found again when grpc-js hands it over: its own object stays with us, as do most of its headers. */
const callIdName = 'record-platform-call';

/** What grpc-js itself looks at. Of every other header it would make metadata, which costs more than all that is done with it here. */
const headersForGrpc = (headers: IncomingHttpHeaders, id: string): IncomingHttpHeaders => ({
  ':path': headers[':path'],
  ':authority': headers[':authority'],
  'content-type': headers['content-type'],
  'grpc-timeout': headers['grpc-timeout'],
  'grpc-encoding': headers['grpc-encoding'],
  [callIdName]: id,
});

/**
 * One unary call on its way through the function, from its headers on. grpc-js hands it over when its message has come
 * whole, so what goes wrong before is seen to here: a message that does not arrive in time, and what grpc-js refuses
 * without saying why.
 */
class GrpcCall implements Waiting, Headers {
  readonly #app: Application;
  readonly #codecs: Codecs;
  readonly #deadlines: Deadlines;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #forget: () => void;
  #callback: sendUnaryData<Buffer> | undefined;
  #call: ActiveCall | undefined;
  /** grpc-js emits 'cancelled' after every call, successful ones too: what is done stays done. */
  #done = false;

  constructor(
    app: Application,
    codecs: Codecs,
    deadlines: Deadlines,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    forget: () => void,
  ) {
    this.#app = app;
    this.#codecs = codecs;
    this.#deadlines = deadlines;
    this.#stream = stream;
    this.#headers = headers;
    this.#forget = forget;
    deadlines.add(this, performance.now());
    (stream as ReasonedStream)[callOf] = this;
    stream.respond = respondWithReason;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Its message is there. */
  start(grpcCall: UnaryCall, callback: sendUnaryData<Buffer>): void {
    if (this.#done) return;
    const call = this.#app.arrive(this);
    this.#call = call;
    this.#callback = callback;
    call.requestBytes = grpcCall.request.length;
    try {
      const performing = this.#app.perform(call, this.header('authorization'), () =>
        readGrpc(this.#codecs.request, this.#app.rpc.request, grpcCall.request),
      );
      if (!(performing instanceof Promise)) return this.#succeed(performing);
      grpcCall.on('cancelled', () => {
        if (!this.#done)
          this.#interrupt(refuse(Number(grpcCall.getDeadline()) <= Date.now() + deadlineTransitMs ? 'DEADLINE_EXCEEDED' : 'CANCELLED'));
      });
      performing.then(
        (response) => this.#succeed(response),
        (thrown) => this.#end(asRefusal(thrown), undefined),
      );
    } catch (thrown) {
      this.#end(asRefusal(thrown), undefined);
    }
  }

  /** Answers for grpc-js, which did not hand it over. */
  refuse(reason: keyof typeof commonRefusals): void {
    this.#done = true;
    this.#deadlines.remove(this);
    this.#forget();
    refuseStream(this.#app, this.#stream, this.#headers, this.#app.rpc.path, reason);
  }

  #succeed(response: object): void {
    const bytes = this.#codecs.response.encode(response).finish();
    this.#end(undefined, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #interrupt(refusal: Refusal): void {
    this.#call?.abort(refusal);
    this.#end(refusal, undefined);
  }

  /** The server's own deadline has come; the client's is grpc-js's. */
  expire(): void {
    if (this.#call !== undefined) return this.#interrupt(refuse('DEADLINE_EXCEEDED'));
    // A client that has gone, or one whose message grpc-js refused, is answered already.
    if (this.#stream.readableEnded || this.#stream.headersSent || this.#stream.destroyed) this.#forget();
    else this.refuse('REQUEST_TIMEOUT');
  }

  #end(refusal: Refusal | undefined, bytes: Buffer | undefined): void {
    const call = this.#call;
    if (this.#done || call === undefined) return;
    this.#done = true;
    this.#deadlines.remove(this);
    if (refusal !== undefined) this.#callback?.(grpcErrorOf(refusal, call.requestId));
    else this.#callback?.(null, bytes);
    ended(this.#app, call, this.#app.rpc.path, refusal, bytes?.length ?? 0);
  }
}

function ended(app: Application, call: ActiveCall, route: string, refusal: Refusal | undefined, responseBytes: number): void {
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

function headerBytes(rawHeaders: readonly string[]): number {
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

const callOf = Symbol('call');
type ReasonedStream = ServerHttp2Stream & { [callOf]?: GrpcCall };

/** Stands in for a stream's `respond`: what grpc-js refuses by itself gets the reason that our error table has for it. */
function respondWithReason(
  this: ReasonedStream,
  answer?: OutgoingHttpHeaders | readonly string[],
  options?: ServerStreamResponseOptions,
): void {
  const headers = answer as OutgoingHttpHeaders | undefined;
  const status = headers?.['grpc-status'];
  const reason = status === undefined ? undefined : ownReasons[Number(status)];
  if (reason !== undefined && headers?.['grpc-status-details-bin'] === undefined) this[callOf]?.refuse(reason);
  else Object.getPrototypeOf(this).respond.call(this, answer, options);
}

/** What grpc-js means by the codes that it answers itself: a message over the limit; a grpc-timeout or a compressed message that is none. */
const ownReasons: Readonly<Record<number, 'BODY_TOO_LARGE' | 'MALFORMED_BODY'>> = {
  [grpcStatus.RESOURCE_EXHAUSTED]: 'BODY_TOO_LARGE',
  [grpcStatus.INTERNAL]: 'MALFORMED_BODY',
};

/** Refuses a stream whose call never came to be. */
function refuseStream(
  app: Application,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  route: string,
  reason: keyof typeof commonRefusals,
): void {
  const call = app.arrive({ header: (name) => headers[name] as string | undefined });
  const refusal = refuse(reason);
  stream.respond(trailersOnly(refusal, call.requestId), { endStream: true });
  stream.resume();
  // A message that nobody will read: NO_ERROR tells the client to stop sending and to keep the answer (RFC 9113, 8.1).
  // One turn later, because nghttp2 would send the reset before the answer, and drop that.
  setImmediate(() => {
    if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
  });
  ended(app, call, route, refusal, 0);
}
