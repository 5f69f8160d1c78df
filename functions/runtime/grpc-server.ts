import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { Metadata, Server, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { descriptors } from '../../proto/generated/descriptors.ts';
import { type Application, asRefusal } from './application.ts';
import { readGrpc } from './grpc-reader.ts';
import { grpcErrorOf, trailersOnly } from './grpc-status.ts';
import { grpcStreamHandler } from './grpc-stream-handler.ts';
import { addHealth } from './health.ts';
import { addReflection } from './reflection.ts';
import { type Refusal, refuse } from './refusal.ts';

/** The gRPC side of one function: its rpc, reflection and health. Loaded when the first gRPC stream arrives. */
export interface GrpcSide {
  serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number): void;
  /** Ends health watches, before a drain. */
  stop(): void;
}

const asTheyAre = (bytes: Buffer): Buffer => bytes;
const alwaysServed = /^\/grpc\.(reflection\.v1(alpha)?\.ServerReflection|health\.v1\.Health)\//;

export async function createGrpcSide(app: Application): Promise<GrpcSide> {
  const { rpc, limits } = app;
  const codecs = await rpc.codecs();
  const budgetMs = limits.timeoutSeconds * 1000;
  const server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': limits.bodyBytesMax,
    'grpc.max_send_message_length': -1,
  });

  const unary = (grpcCall: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    const header = (name: string): string | undefined => grpcCall.metadata.get(name)[0] as string | undefined;
    const call = app.arrive(header);
    call.requestBytes = grpcCall.request.length;
    // grpc-js emits 'cancelled' after every call, successful ones too: what is done stays done.
    let done = false;
    const end = (refusal: Refusal | undefined, bytes: Buffer | undefined): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      if (refusal !== undefined) callback(grpcErrorOf(refusal, call.requestId));
      else {
        const trailers = new Metadata();
        trailers.set('x-request-id', call.requestId);
        callback(null, bytes, trailers);
      }
      app.ended(
        call,
        call.outcome({
          dialect: 'grpc',
          method: 'POST',
          route: rpc.path,
          status: refusal?.row.http ?? 200,
          code: refusal?.row.grpc ?? 'OK',
          reason: refusal?.reason,
          responseBytes: bytes?.length ?? 0,
          cause: refusal?.cause,
        }),
      );
    };
    const interrupt = (refusal: Refusal): void => {
      if (done) return;
      call.abort(refusal);
      end(refusal, undefined);
    };
    const timer = setTimeout(() => interrupt(refuse('DEADLINE_EXCEEDED')), budgetMs);
    grpcCall.on('cancelled', () => {
      if (!done) interrupt(refuse(deadlinePassed(grpcCall) ? 'DEADLINE_EXCEEDED' : 'CANCELLED'));
    });
    app
      .perform(call, header('authorization'), () => readGrpc(codecs.request, rpc.request, grpcCall.request))
      .then((response) => end(undefined, Buffer.from(codecs.response.encode(response).finish())))
      .catch((thrown) => end(asRefusal(thrown), undefined));
  };

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
    serve(stream, headers, flags) {
      const path = headers[':path'] ?? '';
      if (path === rpc.path || alwaysServed.test(path)) return handle(stream, headers, flags);
      refuseStream(app, stream, headers, 'ROUTE_NOT_FOUND');
    },
    stop: () => health.stop(),
  };
}

const deadlinePassed = (call: ServerUnaryCall<Buffer, Buffer>): boolean => {
  const deadline = call.getDeadline();
  return Number(deadline) <= Date.now();
};

/** Refuses a stream that grpc-js does not get to see: another function's method. */
function refuseStream(app: Application, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, reason: 'ROUTE_NOT_FOUND'): void {
  const call = app.arrive((name) => headers[name] as string | undefined);
  const refusal = refuse(reason);
  stream.on('error', () => {});
  stream.respond(trailersOnly(refusal, call.requestId), { endStream: true });
  stream.resume();
  app.ended(
    call,
    call.outcome({
      dialect: 'grpc',
      method: 'POST',
      route: '',
      status: refusal.row.http,
      code: refusal.row.grpc,
      reason: refusal.reason,
      responseBytes: 0,
    }),
  );
}
