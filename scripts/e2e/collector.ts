import https from 'node:https';
import type { ServiceError } from '@grpc/grpc-js';
import { GrpcRefused } from '../../functions/testing/start.ts';
import type { Record as RecordMessage } from '../../proto/generated/records.ts';
import { Record, SearchRecordsRequest } from '../../proto/generated/records.ts';
import type { Edge } from '../demo/edge.ts';
import { type GrpcClients, unary } from '../demo/grpc.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, headersOf, parseBody } from '../demo/http.ts';

/** A refusal in either dialect; the reason is the same in both. */
export class Refused extends Error {
  readonly reason: string | undefined;

  constructor(reason: string | undefined, says: string) {
    super(says);
    this.reason = reason;
  }
}

export interface Session {
  readonly token: string;
  readonly refreshToken: string;
}

type NewRecord = Partial<RecordMessage>;

/** What a collector does, whatever the protocol. Each call throws Refused where the platform says no. */
export interface Collector {
  register(email: string, password: string): Promise<Session>;
  login(email: string, password: string): Promise<Session>;
  create(token: string, record: NewRecord, key: string): Promise<RecordMessage>;
  get(token: string, id: string): Promise<RecordMessage>;
  /** Changes the fields that are given. */
  change(token: string, id: string, fields: NewRecord): Promise<RecordMessage>;
  search(token: string, query: string): Promise<{ records: RecordMessage[]; total: number }>;
  remove(token: string, id: string): Promise<void>;
  logout(refreshToken: string): Promise<void>;
  isValid(token: string): Promise<boolean>;
}

/** A collector with an HTTP client. @param protocol that every answer must have come by: "HTTP/1.1" */
export function httpCollector(client: HttpClient, protocol: string): Collector {
  const ask = async (request: HttpRequest): Promise<HttpAnswer['body']> => {
    const { status, body, protocol: spoken } = await client.send(request);
    if (spoken !== protocol) throw new Error(`${request.method} ${request.path} was answered by ${spoken}, not ${protocol}`);
    if (status >= 300) throw new Refused(body?.code, `${status} ${JSON.stringify(body)}`);
    return body;
  };
  const record = (id: string) => `/api/records/${id}`;
  return {
    register: (email, password) => ask({ method: 'POST', path: '/api/auth/register', body: { email, password } }),
    login: (email, password) => ask({ method: 'POST', path: '/api/auth/login', body: { email, password } }),
    create: (token, body, key) => ask({ method: 'POST', path: '/api/records', body, token, headers: { 'idempotency-key': key } }),
    get: (token, id) => ask({ method: 'GET', path: record(id), token }),
    change: (token, id, body) => ask({ method: 'PATCH', path: record(id), body, token }),
    search: (token, query) => ask({ method: 'GET', path: `/api/records?q=${encodeURIComponent(query)}`, token }),
    remove: (token, id) => ask({ method: 'DELETE', path: record(id), token }),
    logout: (refreshToken) => ask({ method: 'POST', path: '/api/auth/logout', body: { refreshToken } }),
    isValid: async (token) => (await ask({ method: 'POST', path: '/api/auth/validate', body: { token } })).valid,
  };
}

/** A collector with the generated gRPC clients. */
export function grpcCollector(edge: Edge, { auth, records }: GrpcClients): Collector {
  const ask = <Answer>(call: Promise<Answer>): Promise<Answer> =>
    call.catch((error: ServiceError) => {
      throw new Refused(new GrpcRefused(error).reason, `${error.code} ${error.details}`);
    });
  const present = ({ record }: { record: RecordMessage | undefined }): RecordMessage => {
    if (record === undefined) throw new Error('an answer without a record');
    return record;
  };
  const toRecord = (fields: NewRecord) => Record.fromPartial(fields);
  return {
    register: (email, password) => ask(unary(edge, auth, auth.register, { email, password })),
    login: (email, password) => ask(unary(edge, auth, auth.authenticate, { email, password })),
    create: async (token, fields, requestId) =>
      present(await ask(unary(edge, records, records.createRecord, { userId: '', record: toRecord(fields), requestId }, token))),
    get: async (token, recordId) => present(await ask(unary(edge, records, records.getRecord, { recordId, userId: '' }, token))),
    change: async (token, recordId, fields) => {
      const request = { recordId, userId: '', record: toRecord(fields), updateMask: Object.keys(fields), etag: '', requestId: '' };
      return present(await ask(unary(edge, records, records.updateRecord, request, token)));
    },
    search: (token, query) => {
      return ask(unary(edge, records, records.searchRecords, SearchRecordsRequest.fromPartial({ query }), token));
    },
    remove: async (token, recordId) => {
      await ask(unary(edge, records, records.deleteRecord, { recordId, userId: '', etag: '', requestId: '' }, token));
    },
    logout: async (refreshToken) => {
      await ask(unary(edge, auth, auth.logout, { refreshToken }));
    },
    isValid: async (token) => (await ask(unary(edge, auth, auth.validateToken, { token }))).valid,
  };
}

/** A client over HTTP/1.1 (node:https), on one connection that is kept alive. */
export function http1Client(edge: Edge): HttpClient {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const send = (request: HttpRequest): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const { method, path, body } = request;
      const headers = { ...headersOf(request), host: `${edge.host}:${edge.port}` };
      const where = { host: edge.address, port: edge.port, servername: edge.host, ca: edge.ca, agent, timeout: 15_000 };
      const call = https.request({ ...where, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as { [name: string]: string },
            body: parseBody(Buffer.concat(chunks).toString()),
            protocol: `HTTP/${response.httpVersion}`,
          }),
        );
      });
      call.once('error', reject).once('timeout', () => call.destroy(new Error('no answer in 15 s')));
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return { send, close: () => agent.destroy() };
}
