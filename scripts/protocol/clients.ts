import { spawn } from 'node:child_process';
import http, { type IncomingHttpHeaders } from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { BadRequest, ErrorInfo, RetryInfo } from '../../proto/generated/google/rpc/error_details.ts';
import { Status } from '../../proto/generated/google/rpc/status.ts';
import { curlHttp3 } from '../tools/debian.ts';
import { grpcurl } from '../tools/go.ts';

/** What a client asks over HTTP. */
export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** Sends no content-length. */
  readonly chunked?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came
  readonly json: any;
}

const answerOf = (status: number, headers: IncomingHttpHeaders, text: string): Answer => ({
  status,
  headers: headers as Record<string, string | undefined>,
  text,
  get json() {
    return JSON.parse(text);
  },
});

/** HTTP/1.1, a connection for each request unless an agent is given. */
export function http1(port: number, asked: Asked, agent: http.Agent | false = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = asked.body === undefined ? undefined : Buffer.from(asked.body);
    const length = body === undefined || asked.chunked ? {} : { 'content-length': String(body.length) };
    const { method = 'GET', path } = asked;
    const request = http.request({ port, host: '127.0.0.1', agent, method, path, headers: { ...length, ...asked.headers } });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, response.headers, text)));
      response.on('error', reject);
    });
    // In pieces, as a network would bring a large one.
    for (let at = 0; body !== undefined && at < body.length; at += 16_384) request.write(body.subarray(at, at + 16_384));
    request.end();
  });
}

/** How a gRPC call ended. */
export interface GrpcAnswer {
  /** grpc-status; undefined where the answer wasn't gRPC's or the stream was reset. */
  readonly code: number | undefined;
  readonly headers: http2.IncomingHttpHeaders;
  readonly message: Buffer;
  readonly reason: string | undefined;
  readonly violations: readonly { readonly field: string; readonly reason: string }[];
  readonly retryAfterSeconds: number | undefined;
}

/** One HTTP/2 connection by prior knowledge, for JSON and for gRPC. */
export interface Http2Client {
  readonly session: http2.ClientHttp2Session;
  ask(asked: Asked): Promise<Answer>;
  /** A call with the given bytes as its message, framed here. */
  grpc(path: string, message: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<GrpcAnswer>;
  close(): void;
}

export function connectHttp2(port: number): Http2Client {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {}); // each stream tells
  session.setMaxListeners(0);
  return {
    session,
    ask: ({ method = 'GET', path, headers, body, chunked }) =>
      new Promise((resolve, reject) => {
        const bytes = body === undefined ? undefined : Buffer.from(body);
        const length = bytes === undefined || chunked ? {} : { 'content-length': String(bytes.length) };
        const stream = session.request({ ':method': method, ':path': path, ...length, ...headers }, { endStream: bytes === undefined });
        let answered: http2.IncomingHttpHeaders | undefined;
        let text = '';
        stream.on('response', (incoming) => {
          answered = incoming;
        });
        stream.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        stream.on('error', (error) => answered === undefined && reject(error));
        stream.on('close', () => {
          if (answered === undefined) reject(new Error(`the stream was closed with ${stream.rstCode} and no answer`));
          else resolve(answerOf(Number(answered[':status']), answered, text));
        });
        if (bytes !== undefined) stream.end(bytes);
      }),
    grpc: (path, message, headers = {}) =>
      new Promise((resolve) => {
        const frame = Buffer.alloc(5 + message.length);
        frame.writeUInt32BE(message.length, 1);
        frame.set(message, 5);
        const stream = session.request({
          ':method': 'POST',
          ':path': path,
          'content-type': 'application/grpc',
          te: 'trailers',
          ...headers,
        });
        let all: http2.IncomingHttpHeaders = {};
        const chunks: Buffer[] = [];
        stream.on('response', (incoming) => {
          all = { ...incoming };
        });
        stream.on('trailers', (trailers) => {
          all = { ...all, ...trailers };
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', () => {});
        stream.on('close', () => resolve(grpcAnswerOf(all, Buffer.concat(chunks))));
        stream.end(frame);
      }),
    close: () => session.destroy(),
  };
}

function grpcAnswerOf(headers: http2.IncomingHttpHeaders, body: Buffer): GrpcAnswer {
  const encoded = headers['grpc-status-details-bin'];
  const details = typeof encoded === 'string' ? Status.decode(Buffer.from(encoded, 'base64')).details : [];
  const find = (name: string) => details.find((detail) => detail.typeUrl === `type.googleapis.com/google.rpc.${name}`)?.value;
  const info = find('ErrorInfo');
  const bad = find('BadRequest');
  const retry = find('RetryInfo');
  return {
    code: headers['grpc-status'] === undefined ? undefined : Number(headers['grpc-status']),
    headers,
    message: body.subarray(5),
    reason: info && ErrorInfo.decode(info).reason,
    violations: bad ? BadRequest.decode(bad).fieldViolations.map(({ field, reason }) => ({ field, reason })) : [],
    retryAfterSeconds: retry && RetryInfo.decode(retry).retryDelay?.seconds,
  };
}

/** Sends pieces with pauses between them, and reads until the other side closes. @returns what came, and after how long it closed */
export function talk(
  port: number,
  pieces: readonly (string | Uint8Array)[],
  pauseMs = 0,
): Promise<{ heard: string; milliseconds: number }> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const socket = net.connect(port, '127.0.0.1');
    let heard = '';
    let at = 0;
    const next = (): void => {
      const piece = pieces[at++];
      if (piece === undefined || socket.destroyed) return;
      socket.write(piece);
      setTimeout(next, pauseMs);
    };
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1');
    });
    socket.on('error', () => {}); // a reset ends it too
    socket.on('close', () => resolve({ heard, milliseconds: performance.now() - startedAt }));
    next();
  });
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function run(command: readonly string[]): Promise<Ran> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Asks with the curl that many clients are. @returns also the version of HTTP that it spoke: "1.1", "2" */
export async function curl(
  port: number,
  asked: Asked,
  version: '--http1.1' | '--http2-prior-knowledge',
): Promise<Answer & { version: string }> {
  const { method = 'GET', path, headers = {}, body } = asked;
  const command = [...(await curlHttp3()), '--silent', '--show-error', '--max-time', '20', version, '--request', method];
  for (const [name, value] of Object.entries(headers)) command.push('--header', `${name}: ${value}`);
  if (body !== undefined) command.push('--data-binary', String(body));
  if (method === 'HEAD') command.push('--head');
  const marker = '\n%{http_version} %{http_code} %{header_json}';
  const { code, stdout, stderr } = await run([...command, '--write-out', marker, `http://127.0.0.1:${port}${path}`]);
  if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`);
  const tail = /\n(\S+) (\d+) (\{[\s\S]*\})\s*$/.exec(stdout);
  if (tail === null) throw new Error(`curl said ${stdout}`);
  const lists = JSON.parse(tail[3] as string) as Record<string, string[]>;
  const lower = Object.fromEntries(Object.entries(lists).map(([name, values]) => [name.toLowerCase(), values.join(', ')]));
  return Object.assign(answerOf(Number(tail[2]), lower, stdout.slice(0, tail.index)), { version: tail[1] as string });
}

/** Runs grpcurl against a port, in plain text. It knows what the server's reflection tells it. */
export async function runGrpcurl(port: number, args: readonly string[], headers: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const sent = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const options = args.filter((arg) => arg.startsWith('-d='));
  const rest = args.filter((arg) => !arg.startsWith('-d='));
  return run([await grpcurl(), '-plaintext', '-max-time', '20', ...sent, ...options, `127.0.0.1:${port}`, ...rest]);
}
