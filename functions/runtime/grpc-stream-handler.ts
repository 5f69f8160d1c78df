import http2 from 'node:http2';
import { type Server, ServerCredentials } from '@grpc/grpc-js';

export type StreamHandler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, flags: number) => void;

/**
 * The listener by which grpc-js serves one HTTP/2 stream.
 *
 * grpc-js takes whole connections only, and its own HTTP/2 server answers 415 to everything that is not gRPC. One port
 * for every protocol needs it stream by stream, so the HTTP/2 server that it makes for `createConnectionInjector()` is
 * caught while it is made, and its listener is taken. That is a guarded hook and not public API: grpc-js is pinned, a
 * test watches it, and a version that works otherwise stops the process here instead of answering wrongly.
 *
 * @throws Error where grpc-js does not make exactly one HTTP/2 server with exactly one stream listener.
 */
export function grpcStreamHandler(server: Server): StreamHandler {
  const make = http2.createServer;
  const made: http2.Http2Server[] = [];
  const catching = (...given: Parameters<typeof make>): http2.Http2Server => {
    const inner = make(...given);
    made.push(inner);
    return inner;
  };
  http2.createServer = catching as typeof make;
  try {
    server.createConnectionInjector(ServerCredentials.createInsecure());
  } finally {
    http2.createServer = make;
  }
  const listeners = made[0]?.listeners('stream') ?? [];
  if (made.length !== 1 || listeners.length !== 1) {
    throw new Error(
      'This version of @grpc/grpc-js no longer makes one HTTP/2 server in createConnectionInjector(): pin the version of package.json',
    );
  }
  return listeners[0] as unknown as StreamHandler;
}
