import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { GetRecordRequest } from '../../proto/generated/records.ts';
import { answerWindows } from './windows.ts';

/**
 * Sends calls to one server and checks every answer: `load-client.ts PLAN.json`, driven by `startClient`.
 * It runs as a process of its own, so that its work is in nobody's figures.
 */
export interface LoadPlan {
  readonly protocol: 'http1' | 'http2' | 'grpc';
  readonly port: number;
  /** Calls under way at once, each followed by the next. */
  readonly concurrency: number;
  /** HTTP/2 connections that the calls share; 4 where it does not matter. */
  readonly connections?: number;
  /** One of them at random for each call: many users, and each record id is asked by its own owner. */
  readonly targets: readonly { readonly token: string; readonly recordIds: readonly string[] }[];
  /** What every answer must hold. */
  readonly expected: string;
}

type Ask = (token: string, recordId: string) => Promise<boolean>;

const plan: LoadPlan = JSON.parse(readFileSync(process.argv[2] as string, 'utf8'));
const expected = Buffer.from(plan.expected);
/** What the edge sends on: the caller's token, and its own request id and caller address. */
const edgeHeaders = (token: string): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  'x-request-id': randomUUID(),
  'x-forwarded-for': '192.0.2.7',
  'user-agent': 'bench',
});
const one = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

function http1Asker(): Ask {
  const agent = new http.Agent({ keepAlive: true, maxSockets: plan.concurrency });
  return (token, recordId) =>
    new Promise((resolve) => {
      const request = http.get(
        { host: '127.0.0.1', port: plan.port, path: `/api/records/${recordId}`, agent, headers: edgeHeaders(token) },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve(response.statusCode === 200 && Buffer.concat(chunks).includes(expected)));
        },
      );
      request.on('error', () => resolve(false));
    });
}

function http2Asker(): Ask {
  const sessions = Array.from({ length: plan.connections ?? 4 }, () => http2.connect(`http://127.0.0.1:${plan.port}`));
  return (token, recordId) =>
    new Promise((resolve) => {
      const stream = one(sessions).request({ ':path': `/api/records/${recordId}`, ...edgeHeaders(token) });
      const chunks: Buffer[] = [];
      let status = 0;
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => resolve(status === 200 && Buffer.concat(chunks).includes(expected)));
      stream.on('error', () => resolve(false));
    });
}

/** gRPC by hand over node:http2: a client lighter than grpc-js leaves the processor to the server. */
function grpcAsker(): Ask {
  const sessions = Array.from({ length: plan.connections ?? 4 }, () => http2.connect(`http://127.0.0.1:${plan.port}`));
  return (token, recordId) =>
    new Promise((resolve) => {
      const message = GetRecordRequest.encode({ recordId, userId: '' }).finish();
      const frame = Buffer.allocUnsafe(5 + message.length);
      frame.writeUInt8(0, 0);
      frame.writeUInt32BE(message.length, 1);
      frame.set(message, 5);
      const stream = one(sessions).request({
        ':method': 'POST',
        ':path': '/records.RecordsService/GetRecord',
        'content-type': 'application/grpc',
        te: 'trailers',
        ...edgeHeaders(token),
      });
      const chunks: Buffer[] = [];
      let status: unknown;
      stream.on('trailers', (trailers) => {
        status = trailers['grpc-status'];
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => resolve(Number(status) === 0 && Buffer.concat(chunks).includes(expected)));
      stream.on('error', () => resolve(false));
      stream.end(frame);
    });
}

const ask = { http1: http1Asker, http2: http2Asker, grpc: grpcAsker }[plan.protocol]();
await answerWindows(plan.concurrency, () => {
  const target = one(plan.targets);
  return ask(target.token, target.recordIds.length === 0 ? randomUUID() : one(target.recordIds));
});
process.exit(0);
