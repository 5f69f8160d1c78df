import { type ClientHttp2Session, connect } from 'node:http2';
import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ErrorInfo, RetryInfo } from '../../proto/generated/google/rpc/error_details.ts';
import { Status } from '../../proto/generated/google/rpc/status.ts';
import type { Edge } from '../demo/edge.ts';
import { type HttpRequest, headersOf } from '../demo/http.ts';

/** How one attempt ended. "unavailable" is the clear refusal: what to expect and when to come again; "lost" is no answer at all. */
export type Outcome =
  | { readonly how: 'good'; readonly id: string }
  | { readonly how: 'unavailable'; readonly retryAfterSeconds: number }
  | { readonly how: 'lost'; readonly why: string }
  | { readonly how: 'strange'; readonly what: string };

/** Longer than any function's deadline: what has no answer by then hangs. */
const hangsMs = 15_000;

const strange = (what: string): Outcome => ({ how: 'strange', what });
const lost = (why: string): Outcome => ({ how: 'lost', why });

/** HTTP/2 on one connection, which is made anew when it is lost. */
export interface Http2Attempts {
  send(request: HttpRequest, good: number): Promise<Outcome>;
  close(): void;
}

/** @returns attempts over HTTP/2: good with the status that is expected, and with the id of a record that came */
export function http2Attempts(edge: Edge): Http2Attempts {
  let session: ClientHttp2Session | undefined;
  const connected = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(edge.origin, { ca: edge.ca, servername: edge.host, host: edge.address });
      // Each stream of it fails by itself, and is counted there.
      session.on('error', () => {});
    }
    return session;
  };
  const send = (request: HttpRequest, good: number): Promise<Outcome> =>
    new Promise((resolve) => {
      const stream = connected().request({ ':method': request.method, ':path': request.path, ...headersOf(request) });
      const late = setTimeout(() => {
        resolve(strange(`no answer in ${hangsMs / 1000} s`));
        stream.close();
      }, hangsMs);
      let code = 0;
      let retryAfter = 0;
      let text = '';
      let whole = false;
      let why = 'closed';
      stream.setEncoding('utf8');
      stream.once('response', (headers) => {
        code = Number(headers[':status']);
        retryAfter = Number(headers['retry-after'] ?? 0);
      });
      stream.on('data', (chunk: string) => {
        text += chunk;
      });
      stream.once('end', () => {
        whole = true;
      });
      stream.once('error', (error) => {
        why = error.message;
      });
      stream.once('close', () => {
        clearTimeout(late);
        resolve(code === 0 || !whole ? lost(why) : judgeHttp(code, retryAfter, text, good));
      });
      stream.end(request.body === undefined ? undefined : JSON.stringify(request.body));
    });
  return { send, close: () => session?.destroy() };
}

function judgeHttp(code: number, retryAfterSeconds: number, text: string, good: number): Outcome {
  let body: { id?: string; code?: string; records?: unknown };
  try {
    body = JSON.parse(text);
  } catch {
    return strange(`${code} without JSON: ${text.slice(0, 100)}`);
  }
  if (code === good) return { how: 'good', id: body.id ?? '' };
  // DRAINING is a function that was told to end.
  const known = body.code === 'UPSTREAM_UNAVAILABLE' || body.code === 'DRAINING';
  return code === 503 && known && retryAfterSeconds > 0 ? { how: 'unavailable', retryAfterSeconds } : strange(`${code} ${body.code}`);
}

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** One gRPC call with a generated client, whose channel decides what is tried again by itself. */
export function grpcAttempt<Request, Response>(
  client: object,
  method: Unary<Request, Response>,
  request: Request,
  token: string,
  idOf: (response: Response) => string,
): Promise<Outcome> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return new Promise((resolve) => {
    method.call(client, request, metadata, { deadline: Date.now() + hangsMs }, (error, response) =>
      resolve(error === null ? { how: 'good', id: idOf(response) } : judgeGrpc(error)),
    );
  });
}

function judgeGrpc(error: ServiceError): Outcome {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  // The function died between its answer's headers and its trailers: the edge can only cut the stream (INTERNAL_ERROR, 2).
  if (error.code === status.INTERNAL && /^Received RST_STREAM with code 2\b/.test(error.details)) return lost('cut off in the answer');
  if (error.code !== status.UNAVAILABLE) return strange(`${status[error.code]} ${error.details}`);
  // Made by the client itself: it could not connect, or its connection was cut.
  if (bytes === undefined) return lost(error.details);
  const { details } = Status.decode(bytes as Buffer);
  const find = (name: string) => details.find(({ typeUrl }) => typeUrl.endsWith(`/google.rpc.${name}`))?.value;
  const [info, retry] = [find('ErrorInfo'), find('RetryInfo')];
  const reason = info && ErrorInfo.decode(info).reason;
  const retryAfterSeconds = (retry && RetryInfo.decode(retry).retryDelay?.seconds) ?? 0;
  const known = reason === 'UPSTREAM_UNAVAILABLE' || reason === 'DRAINING';
  return known && retryAfterSeconds > 0 ? { how: 'unavailable', retryAfterSeconds } : strange(`UNAVAILABLE ${reason} ${error.details}`);
}
