import { performance } from 'node:perf_hooks';
import type { ActiveCall } from './active-call.ts';
import { type Application, asRefusal, type Decoded } from './application.ts';
import type { Field, HttpRule, Rpc } from './contract.ts';
import { Deadlines, type Waiting } from './deadlines.ts';
import type { Exchange, ResponseHeaders } from './exchange.ts';
import type { HttpStreams, StreamRequest } from './http-stream.ts';
import { problemOf } from './problem.ts';
import { type Read, readBody, readJson, readQuery } from './read-json.ts';
import { type Refusal, refuse } from './refusal.ts';
import { Routes, variablesOf } from './route.ts';

/** Answers one HTTP exchange with the function's operation, in proto3 JSON (google.api.http). */
export type HttpHandler = (exchange: Exchange) => void;

/** What /readyz asks. Neither probe touches the database: an outage must not restart what would recover by itself. */
export interface Readiness {
  readonly ready: boolean;
}

type Message = Record<string, unknown>;

export function createHttpHandler(app: Application, readiness: Readiness): HttpHandler {
  const cacheControl = app.cacheSeconds === undefined ? 'no-store' : `public, max-age=${app.cacheSeconds}`;
  const faces: Faces = {
    app,
    readiness,
    cacheControl,
    deadlines: new Deadlines(app.limits.timeoutSeconds * 1000),
    routes: new Routes(facesOf(app.rpc)),
    headerFields: app.rpc.request.fields.filter((field) => field.header !== undefined),
    stream: app.rpc.serverStreaming ? lazyStreams(app) : undefined,
  };
  return (exchange) => new HttpCall(faces, exchange).start();
}

/** Answers an rpc that is a stream; its code loads at the first such call. */
function lazyStreams(app: Application): (request: StreamRequest, failed: (thrown: unknown) => void) => void {
  let loading: Promise<HttpStreams> | undefined;
  return (request, failed) => {
    loading ??= import('./http-stream.ts').then(({ createHttpStreams }) => createHttpStreams(app));
    loading.then((serve) => serve(request)).catch(failed);
  };
}

/** A rule of google.api.http and what follows from it, found once. */
interface Face extends HttpRule {
  /** The field that the body is; undefined where it is the whole message, or where there is no body. */
  readonly bodyField: Field | undefined;
  /** Proto names that the query may not give, because the path or the body does. */
  readonly notInQuery: readonly string[];
  /** What the path's variables are, in its order. */
  readonly variables: readonly Field[];
  readonly answerField: Field | undefined;
}

interface Faces {
  readonly app: Application;
  readonly readiness: Readiness;
  readonly deadlines: Deadlines;
  readonly routes: Routes<Face>;
  readonly headerFields: readonly Field[];
  readonly cacheControl: string;
  /** Set where the rpc is a stream. */
  readonly stream: ReturnType<typeof lazyStreams> | undefined;
}

function facesOf(rpc: Rpc): Face[] {
  const { fields } = rpc.request;
  return rpc.http.map((rule) => {
    const variables = variablesOf(rule.path).map((name) => fields.find((field) => field.name === name) as Field);
    const inBody = fields.filter((field) => rule.body === '*' || rule.body === field.name);
    return {
      ...rule,
      bodyField: rule.body === '*' ? undefined : inBody[0],
      notInQuery: [...variables, ...inBody].map((field) => field.name),
      variables,
      answerField: rpc.response.fields.find((field) => field.name === rule.responseBody),
    };
  });
}

/** One exchange on its way through the function. */
class HttpCall implements Waiting {
  readonly #faces: Faces;
  readonly #exchange: Exchange;
  readonly #call: ActiveCall;
  /** The route's template, for the log and the metrics. */
  #route = '';
  #reading = false;

  constructor(faces: Faces, exchange: Exchange) {
    this.#faces = faces;
    this.#exchange = exchange;
    this.#call = faces.app.arrive(exchange);
  }

  start(): void {
    try {
      this.#dispatch();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #dispatch(): void {
    const { app, readiness, deadlines, routes } = this.#faces;
    const exchange = this.#exchange;
    if (exchange.headerBytes > app.limits.headerBytesMax) throw refuse('HEADERS_TOO_LARGE');
    const { target, method } = exchange;
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    if (path === '/livez' || path === '/readyz') return this.#probe(path, readiness);
    const match = routes.match(method, path);
    if (match === undefined) throw refuse('ROUTE_NOT_FOUND');
    if ('allow' in match) {
      this.#route = app.rpc.http[0]?.path ?? '';
      throw refuse('METHOD_NOT_ALLOWED', { allow: match.allow });
    }
    const { rule: face, values } = match;
    this.#route = face.path;
    const query = mark < 0 ? '' : target.slice(mark + 1);
    if (this.#faces.stream !== undefined) {
      const variables = Object.fromEntries(face.variables.map(({ name }, index) => [name, values[index] as string]));
      return this.#faces.stream({ exchange, call: this.#call, rule: face, variables, query }, (thrown) => this.#fail(thrown));
    }
    const performing = app.perform(this.#call, exchange.header('authorization'), () => this.#decode(face, values, query));
    if (!(performing instanceof Promise)) return this.#succeed(face, performing as Message);
    deadlines.add(this, performance.now());
    exchange.onGone(() => this.#interrupt(refuse('CANCELLED')));
    performing.then(
      (response) => this.#succeed(face, response as Message),
      (thrown) => this.#fail(thrown),
    );
  }

  #probe(path: string, readiness: Readiness): void {
    this.#route = path;
    const { method } = this.#exchange;
    if (method !== 'GET' && method !== 'HEAD') throw refuse('METHOD_NOT_ALLOWED', { allow: ['GET', 'HEAD'] });
    if (path === '/readyz' && !readiness.ready) throw refuse('DRAINING');
    this.#end(200, ['content-type', 'application/json'], '{"status":"ok"}', undefined);
  }

  #decode(face: Face, values: readonly string[], query: string): Decoded | Promise<Decoded> {
    const { request } = this.#faces.app.rpc;
    const read = readQuery(request, query, face.notInQuery);
    const { message } = read;
    for (let index = 0; index < values.length; index++) message[(face.variables[index] as Field).json] = values[index];
    for (const field of this.#faces.headerFields) {
      const value = this.#exchange.header(field.header as string);
      if (value !== undefined) message[field.json] = value;
    }
    return face.body === undefined ? read : this.#decodeBody(face, read);
  }

  async #decodeBody(face: Face, outside: Read): Promise<Decoded> {
    const { rpc, limits } = this.#faces.app;
    const { method, bodyField } = face;
    checkMediaType(this.#exchange.header('content-type'), method);
    this.#reading = true;
    const bytes = await this.#exchange.body(limits.bodyBytesMax);
    this.#reading = false;
    this.#call.requestBytes = bytes.length;
    const shape = bodyField?.message?.() ?? rpc.request;
    const body = readJson(shape, readBody(bytes), bodyField === undefined ? [] : [bodyField.name]);
    const message =
      bodyField === undefined
        ? { ...body.message, ...this.#headersOf(outside.message) }
        : { ...outside.message, [bodyField.json]: body.message };
    // RFC 5789 and AIP-134: PUT replaces, PATCH changes what the mask names, or else what is there.
    const mask = rpc.request.fields.find((field) => field.kind === 'mask');
    if (mask !== undefined) {
      const named = message[mask.json] as string[] | undefined;
      if (method === 'PUT') message[mask.json] = ['*'];
      else if (named === undefined || named.length === 0) message[mask.json] = body.present;
    }
    return { message, violations: [...outside.violations, ...body.violations] };
  }

  /** Fields that travel in headers, where the body is the whole message. */
  #headersOf(outside: Message): Message {
    return Object.fromEntries(this.#faces.headerFields.map((field) => [field.json, outside[field.json]]));
  }

  #succeed(face: Face, response: Message): void {
    const { successStatus } = this.#faces.app.rpc;
    if (successStatus === 204) return this.#end(204, [], '', undefined);
    const body = face.answerField === undefined ? response : (response[face.answerField.json] as Message);
    const etag = face.answerField === undefined ? undefined : body.etag;
    const tag = typeof etag !== 'string' || etag === '' ? undefined : etag.startsWith('"') ? etag : `"${etag}"`;
    if (tag !== undefined && face.method === 'GET' && isKnown(this.#exchange.header('if-none-match'), tag))
      return this.#end(304, ['etag', tag], '', undefined, this.#faces.cacheControl);
    const headers: ResponseHeaders =
      tag === undefined ? ['content-type', 'application/json'] : ['content-type', 'application/json', 'etag', tag];
    // ts-proto's messages hold only kinds whose JSON is proto3 JSON; the generator asserts it.
    this.#end(successStatus, headers, JSON.stringify(body), undefined, this.#faces.cacheControl);
  }

  #fail(thrown: unknown): void {
    const refusal = asRefusal(thrown);
    const problem = problemOf(refusal, this.#call.requestId, this.#faces.app.rpc);
    this.#end(problem.status, problem.headers, problem.body, refusal);
  }

  #interrupt(refusal: Refusal): void {
    this.#call.cancellation.cancel(refusal);
    this.#fail(refusal);
  }

  /** The deadline has come. */
  expire(): void {
    this.#interrupt(refuse(this.#reading ? 'REQUEST_TIMEOUT' : 'DEADLINE_EXCEEDED'));
  }

  #end(status: number, headers: ResponseHeaders, body: string, refusal: Refusal | undefined, cacheControl = 'no-store'): void {
    const exchange = this.#exchange;
    if (exchange.answered) return;
    const call = this.#call;
    const { app, deadlines } = this.#faces;
    deadlines.remove(this);
    headers.push('x-request-id', call.requestId, 'cache-control', cacheControl);
    exchange.answer(status, headers, body);
    app.ended(call, {
      dialect: exchange.dialect,
      method: exchange.method,
      route: this.#route,
      status,
      code: refusal?.row.grpc ?? 'OK',
      reason: refusal?.reason,
      seconds: call.seconds(),
      requestBytes: call.requestBytes,
      responseBytes: body.length,
      userId: call.userId,
      callerAddress: call.callerAddress,
      cause: refusal?.cause,
    });
  }
}

/** Whether an If-None-Match names the tag, so that the client has the answer already (RFC 9110, section 13.1.2; the comparison is the weak one). */
function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header === tag || header.split(',').some((known) => known.trim().replace(/^W\//, '') === tag) || header.trim() === '*';
}

function checkMediaType(type: string | undefined, method: string): void {
  if (type === 'application/json') return;
  const essence = (type?.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (essence === 'application/json') return;
  if (method === 'PATCH' && essence === 'application/merge-patch+json') return; // RFC 7396, which is what PATCH does here
  throw refuse('UNSUPPORTED_MEDIA_TYPE');
}
