import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
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

  const budgetMs = limits.timeoutSeconds * 1000;
  const deadlines = new Deadlines(budgetMs);
  const arrivals = new Deadlines(budgetMs);
  const unary = (grpcCall: UnaryCall, callback: sendUnaryData<Buffer>): void =>
    new GrpcCall(app, codecs, deadlines, grpcCall, callback).start();

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
        new Arrival(app, stream, headers, arrivals);
        return handle(stream, headers, flags);
      }
      if (alwaysServed.test(path)) return handle(stream, headers, flags);
      refuseStream(app, stream, headers, '', 'ROUTE_NOT_FOUND');
    },
    stop: () => health.stop(),
  };
}

type UnaryCall = ServerUnaryCall<Buffer, Buffer>;
type Codecs = Awaited<ReturnType<Rpc<object, object>['codecs']>>;

/** One unary call on its way through the function. */
class GrpcCall implements Waiting, Headers {
  readonly #app: Application;
  readonly #codecs: Codecs;
  readonly #deadlines: Deadlines;
  readonly #grpcCall: UnaryCall;
  readonly #callback: sendUnaryData<Buffer>;
  readonly #call: ActiveCall;
  /** grpc-js emits 'cancelled' after every call, successful ones too: what is done stays done. */
  #done = false;

  constructor(app: Application, codecs: Codecs, deadlines: Deadlines, grpcCall: UnaryCall, callback: sendUnaryData<Buffer>) {
    this.#app = app;
    this.#codecs = codecs;
    this.#deadlines = deadlines;
    this.#grpcCall = grpcCall;
    this.#callback = callback;
    this.#call = app.arrive(this);
    this.#call.requestBytes = grpcCall.request.length;
  }

  header(name: string): string | undefined {
    return this.#grpcCall.metadata.get(name)[0] as string | undefined;
  }

  start(): void {
    try {
      const performing = this.#app.perform(this.#call, this.header('authorization'), () =>
        readGrpc(this.#codecs.request, this.#app.rpc.request, this.#grpcCall.request),
      );
      if (!(performing instanceof Promise)) return this.#succeed(performing);
      this.#deadlines.add(this, performance.now());
      this.#grpcCall.on('cancelled', () => {
        if (!this.#done)
          this.#interrupt(
            refuse(Number(this.#grpcCall.getDeadline()) <= Date.now() + deadlineTransitMs ? 'DEADLINE_EXCEEDED' : 'CANCELLED'),
          );
      });
      performing.then(
        (response) => this.#succeed(response),
        (thrown) => this.#end(asRefusal(thrown), undefined),
      );
    } catch (thrown) {
      this.#end(asRefusal(thrown), undefined);
    }
  }

  #succeed(response: object): void {
    const bytes = this.#codecs.response.encode(response).finish();
    this.#end(undefined, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #interrupt(refusal: Refusal): void {
    this.#call.abort(refusal);
    this.#end(refusal, undefined);
  }

  /** The server's own deadline has come; the client's is grpc-js's. */
  expire(): void {
    this.#interrupt(refuse('DEADLINE_EXCEEDED'));
  }

  #end(refusal: Refusal | undefined, bytes: Buffer | undefined): void {
    if (this.#done) return;
    this.#done = true;
    this.#deadlines.remove(this);
    const call = this.#call;
    if (refusal !== undefined) this.#callback(grpcErrorOf(refusal, call.requestId));
    else this.#callback(null, bytes);
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

/**
 * A stream whose message is on its way. grpc-js hands a call over when it has come whole, so what goes wrong before is
 * seen to here: a message that does not arrive in time, and what grpc-js refuses without saying why.
 */
class Arrival implements Waiting {
  readonly #app: Application;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;

  constructor(app: Application, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, arrivals: Deadlines) {
    this.#app = app;
    this.#stream = stream;
    this.#headers = headers;
    arrivals.add(this, performance.now());
    stream.once('close', () => arrivals.remove(this));
    const respond = stream.respond;
    stream.respond = (answer, options) => {
      const status = (answer as OutgoingHttpHeaders | undefined)?.['grpc-status'];
      const reason = status === undefined ? undefined : ownReasons[Number(status)];
      if (reason === undefined || (answer as OutgoingHttpHeaders)['grpc-status-details-bin'] !== undefined)
        return respond.call(stream, answer, options);
      stream.respond = respond;
      refuseStream(app, stream, headers, app.rpc.path, reason);
    };
  }

  expire(): void {
    // Later the call's own deadline counts.
    if (this.#stream.readableEnded || this.#stream.headersSent || this.#stream.destroyed) return;
    refuseStream(this.#app, this.#stream, this.#headers, this.#app.rpc.path, 'REQUEST_TIMEOUT');
  }
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
