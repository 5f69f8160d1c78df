import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Application } from './application.ts';
import { Deadlines } from './deadlines.ts';
import type { GrpcServices } from './grpc-services.ts';
import { callEnded, refuseStream, UnaryCall, type UnaryFace } from './grpc-unary.ts';
import { type commonRefusals, refuse } from './refusal.ts';

/** The gRPC side of one function: its rpc, reflection and health. Loaded when the first gRPC stream arrives. */
export interface GrpcSide {
  serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: readonly string[]): void;
  /** Ends health watches, before a drain. */
  stop(): void;
}

const alwaysServed = /^\/grpc\.(reflection\.v1(alpha)?\.ServerReflection|health\.v1\.Health)\//;

/**
 * The function's own rpc is read and written here, a unary one by grpc-unary.ts and a stream by grpc-stream.ts; reflection and
 * health are grpc-js's, which loads when the first of these is asked for.
 */
export async function createGrpcSide(app: Application): Promise<GrpcSide> {
  const { rpc, limits } = app;
  const face: UnaryFace = {
    app,
    codecs: (await rpc.codecs()) as UnaryFace['codecs'],
    deadlines: new Deadlines(limits.timeoutSeconds * 1000),
  };
  const streams = rpc.serverStreaming ? await import('./grpc-stream.ts') : undefined;
  let services: GrpcServices | undefined;
  let loading: Promise<GrpcServices> | undefined;
  let stopped = false;
  const load = (): Promise<GrpcServices> => {
    loading ??= import('./grpc-services.ts').then(({ createGrpcServices }) => {
      services = createGrpcServices(rpc.service, limits.bodyBytesMax);
      if (stopped) services.stop();
      return services;
    });
    return loading;
  };
  const refuseAs = (reason: keyof typeof commonRefusals, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    const call = app.arrive({ header: (name) => headers[name] as string | undefined });
    const refusal = refuse(reason);
    refuseStream(stream, refusal, call.requestId);
    callEnded(app, call, '', refusal, 0);
  };

  return {
    serve(stream, headers, flags, rawHeaders) {
      const path = headers[':path'] ?? '';
      if (headerBytes(rawHeaders) > limits.headerBytesMax) return refuseAs('HEADERS_TOO_LARGE', stream, headers);
      if (path === rpc.path) {
        if (streams === undefined) new UnaryCall(face, stream, headers);
        else void new streams.StreamCall(face, stream, headers).run();
        return;
      }
      if (!alwaysServed.test(path)) return refuseAs('ROUTE_NOT_FOUND', stream, headers);
      if (services !== undefined) return services.serve(stream, headers, flags);
      load().then(
        (loaded) => {
          if (!stream.destroyed) loaded.serve(stream, headers, flags);
        },
        (error) => {
          app.log.error('reflection and health could not be loaded', { cause: error });
          refuseAs('INTERNAL', stream, headers);
        },
      );
    },
    stop() {
      stopped = true;
      services?.stop();
    },
  };
}

function headerBytes(rawHeaders: readonly string[]): number {
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}
