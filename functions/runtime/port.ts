import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import type { Exchange } from './exchange.ts';
import { Http1Exchange } from './exchange-http1.ts';
import { Http2Exchange } from './exchange-http2.ts';
import type { GrpcSide } from './grpc-server.ts';
import { IdleSessions } from './idle-sessions.ts';
import { problemOf } from './problem.ts';
import { type Refusal, refuse } from './refusal.ts';
import { requestIdFrom } from './trace-context.ts';

/** The connection preface of HTTP/2 (RFC 9113, 3.4), as far as it tells it from HTTP/1.1. */
const preface = Buffer.from('PRI * HTTP/2.0');

/** How long a connection may keep us waiting. */
const defaultTimes = {
  /** From accepting it to its first bytes. A TCP probe opens and closes within it. */
  firstBytesMs: 10_000,
  /** For the headers of a request, and for the settings that follow the preface of HTTP/2. */
  headersMs: 10_000,
  /** An HTTP/2 connection on which nothing moves. Longer than a proxy keeps one, so that the proxy closes first. */
  idleMs: 330_000,
  /** An HTTP/1.1 connection between two requests. */
  keepAliveMs: 75_000,
  /** How often Node looks at the connections of HTTP/1.1: so much later than headersMs one may end. */
  checkMs: 2_000,
};
const streamsMax = 2_000;

export interface PortOptions {
  readonly headerBytesMax: number;
  readonly timeoutSeconds: number;
  readonly http: (exchange: Exchange) => void;
  /** Loads the gRPC side; called when the first gRPC stream arrives. */
  readonly grpc: () => Promise<GrpcSide>;
  readonly onError: (error: unknown) => void;
  /** Shorter ones, for tests. */
  readonly times?: Partial<typeof defaultTimes>;
}

export interface Port {
  listen(port: number, host: string): Promise<number>;
  /**
   * Takes no new connection, tells every client to send nothing new, lets what is in flight finish.
   * Resolves when the last connection is closed.
   */
  drain(): Promise<void>;
  /** Ends what is left, at once. */
  destroy(): void;
}

/** One TCP port that answers HTTP/1.1, HTTP/2 by prior knowledge, and gRPC. */
export function createPort(options: PortOptions): Port {
  const times = { ...defaultTimes, ...options.times };
  let closing = false;
  const sockets = new Set<net.Socket>();
  /** Connected, and not a whole first line heard yet. */
  const untalked = new Set<net.Socket>();
  const http2Sockets = new Set<net.Socket>();
  const sessions = new Set<http2.ServerHttp2Session>();
  const idleSessions = new IdleSessions(times.idleMs);

  const http1 = http.createServer({
    maxHeaderSize: options.headerBytesMax,
    headersTimeout: times.headersMs,
    requestTimeout: options.timeoutSeconds * 1000 + times.headersMs,
    keepAliveTimeout: times.keepAliveMs,
    connectionsCheckingInterval: times.checkMs,
    noDelay: true,
  });
  http1.on('request', (request, response) => options.http(new Http1Exchange(request, response, () => closing)));
  http1.on('clientError', answerBrokenHttp1);
  // Node would close the connection without a word.
  http1.on('connect', (_, socket) => answerByHand(socket as net.Socket, refuse('ROUTE_NOT_FOUND')));
  // It never listens itself, and only 'listening' makes Node watch its connections: their time-outs, and which are idle.
  http1.emit('listening');

  const http2Server = http2.createServer({
    settings: { maxConcurrentStreams: streamsMax, maxHeaderListSize: 4 * options.headerBytesMax, enablePush: false },
    maxSessionMemory: 64,
    // The names in an answer are ours, and none is there twice: Node need not look through them for each answer, which takes it 4 %.
    strictSingleValueFields: false,
  });
  let grpc: GrpcSide | undefined;
  let loading: Promise<GrpcSide> | undefined;
  http2Server.on('stream', (stream: http2.ServerHttp2Stream, headers, flags, rawHeaders) => {
    stream.on('error', ignore); // a client that went away; the exchange hears of it by 'close'
    if (!isGrpc(headers['content-type'])) return options.http(new Http2Exchange(stream, headers, rawHeaders));
    if (grpc !== undefined) return grpc.serve(stream, headers, flags, rawHeaders);
    loading ??= options.grpc().then((side) => {
      grpc = side;
      return side;
    });
    loading.then(
      (side) => {
        if (!stream.destroyed) side.serve(stream, headers, flags, rawHeaders);
      },
      (error) => {
        options.onError(error);
        stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      },
    );
  });
  http2Server.on('session', (session) => {
    sessions.add(session);
    idleSessions.add(session);
    const mute = setTimeout(() => session.destroy(), times.headersMs);
    session.once('remoteSettings', () => clearTimeout(mute));
    session.once('close', () => {
      clearTimeout(mute);
      sessions.delete(session);
    });
    session.on('error', ignore);
  });
  http2Server.on('sessionError', ignore);

  const front = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    untalked.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      untalked.delete(socket);
      http2Sockets.delete(socket);
    });
    socket.on('error', ignore);
    // After a busy turn of the event loop timers come first, and what has been sent in time is read only then.
    const timer = setTimeout(() => setImmediate(() => untalked.has(socket) && socket.destroy()), times.firstBytesMs);
    let held: Buffer = Buffer.alloc(0);
    const look = (): void => {
      const bytes: Buffer | null = socket.read();
      if (bytes === null) return;
      // Kept aside until it is clear whose they are: unshifting them now would wake this listener for ever.
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      const seen = Math.min(held.length, preface.length);
      const isPreface = held.compare(preface, 0, seen, 0, seen) === 0;
      if (isPreface && seen < preface.length) return; // "P" may become POST
      socket.off('readable', look);
      socket.off('end', gone);
      clearTimeout(timer);
      untalked.delete(socket);
      socket.unshift(held);
      if (!isPreface) {
        http1.emit('connection', socket);
        return;
      }
      http2Sockets.add(socket);
      http2Server.emit('connection', socket);
      if (closing) socket.write(shutdownNotice);
    };
    const gone = (): void => {
      clearTimeout(timer);
      socket.destroy();
    };
    socket.on('readable', look);
    socket.once('end', gone);
    socket.once('close', () => clearTimeout(timer));
  });

  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        front.once('error', reject);
        front.listen(port, host, 1024, () => {
          front.off('error', reject);
          front.on('error', options.onError);
          resolve((front.address() as net.AddressInfo).port);
        });
      }),
    async drain() {
      closing = true;
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      grpc?.stop();
      for (const socket of http2Sockets) socket.write(shutdownNotice);
      http1.closeIdleConnections();
      if (http2Sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, noticeMs));
      for (const session of sessions) session.close();
      for (const socket of untalked) socket.destroy();
      const idle = setInterval(() => http1.closeIdleConnections(), 50);
      await closed;
      clearInterval(idle);
      idleSessions.stop();
      http1.close();
    },
    destroy() {
      idleSessions.stop();
      http1.close();
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * GOAWAY with the largest stream id: "send nothing new, what is on its way still gets served" (RFC 9113, 6.8). Written as
 * bytes, between the frames of the session, because Node's `session.goaway()` makes nghttp2 drop every stream that
 * crosses it, whatever id it names; `session.close()` then says the real last one.
 */
const shutdownNotice = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
/** From the notice to the last word: longer than a round trip to any proxy in front. */
const noticeMs = 100;

const ignore = (): void => {};

/** application/grpc, application/grpc+proto …, and not application/grpc-web, which is another protocol. */
const isGrpc = (type: string | undefined): boolean =>
  type === 'application/grpc' || (type !== undefined && /^application\/grpc[+; ]/.test(type));

/** A first line without a version of HTTP is no request, and no preface either: who sent it expects no answer in HTTP. */
const namesHttp = (packet: Buffer | undefined): boolean =>
  packet === undefined || packet.toString('latin1').split('\n', 1)[0]?.includes(' HTTP/') === true;

/** What cannot be parsed has no request, so its answer is written by hand. */
function answerBrokenHttp1(error: Error & { code?: string; rawPacket?: Buffer }, socket: net.Socket & { bytesWritten: number }): void {
  const isFirst = socket.bytesWritten === 0;
  if (!socket.writable || error.code === 'ECONNRESET' || (error.code === 'HPE_INVALID_METHOD' && isFirst && !namesHttp(error.rawPacket))) {
    socket.destroy();
    return;
  }
  const refusal = refuse(
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'HEADERS_TOO_LARGE'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'REQUEST_TIMEOUT'
        : 'MALFORMED_BODY',
  );
  answerByHand(socket, refusal);
}

function answerByHand(socket: net.Socket, refusal: Refusal): void {
  const problem = problemOf(refusal, requestIdFrom(undefined));
  const reason = http.STATUS_CODES[problem.status] ?? '';
  socket.end(
    `HTTP/1.1 ${problem.status} ${reason}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(problem.body)}\r\n\r\n${problem.body}`,
  );
}
