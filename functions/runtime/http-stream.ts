import { performance } from 'node:perf_hooks';
import type { Writable } from 'node:stream';
import type { ActiveCall } from './active-call.ts';
import { type Application, asRefusal, type Decoded } from './application.ts';
import { checkFields } from './check-fields.ts';
import type { Field, HttpRule } from './contract.ts';
import { Deadlines, type Waiting } from './deadlines.ts';
import type { Exchange, ResponseHeaders } from './exchange.ts';
import { mediaOf, valueOfAccept, valueOfContentType } from './media-types.ts';
import { problemOf } from './problem.ts';
import { readQuery } from './read-json.ts';
import { type Refusal, refuse, refuseFields } from './refusal.ts';
import { StreamReader } from './stream-reader.ts';
import { StreamWriter } from './stream-writer.ts';

type Message = Record<string, unknown>;

/** One request whose place is known: what handle-http.ts hands over where the rpc is a stream. */
export interface StreamRequest {
  readonly exchange: Exchange;
  readonly call: ActiveCall;
  readonly rule: HttpRule;
  readonly variables: Record<string, string>;
  readonly query: string;
}

/** Answers the HTTP exchanges of an rpc that is a stream. */
export type HttpStreams = (request: StreamRequest) => void;

/** A client that asked for JSON Lines finds in the last line what broke the answer off. */
const jsonLines = 'application/x-ndjson';

export function createHttpStreams(app: Application): HttpStreams {
  const deadlines = new Deadlines(app.limits.timeoutSeconds * 1000);
  return (request) => void new HttpStream(app, deadlines, request).run();
}

/**
 * One streamed exchange. The requests of a stream are on HTTP one body, each piece of it a message's field of bytes; the
 * answers are one body, either such a field as it is or a line of JSON for each message.
 */
class HttpStream implements Waiting {
  readonly #app: Application;
  readonly #deadlines: Deadlines;
  readonly #request: StreamRequest;
  /** The field of bytes that the answer is made of; undefined where it is lines of JSON. */
  readonly #content: Field | undefined;
  #reader: StreamReader | undefined;
  #writable: Writable | undefined;
  #writer: StreamWriter | undefined;
  #done = false;

  constructor(app: Application, deadlines: Deadlines, request: StreamRequest) {
    this.#app = app;
    this.#deadlines = deadlines;
    this.#request = request;
    this.#content = app.rpc.response.fields.find(({ name, kind }) => name === request.rule.responseBody && kind === 'bytes');
  }

  async run(): Promise<void> {
    const { call, exchange } = this.#request;
    this.#deadlines.add(this, performance.now());
    exchange.onGone(() => this.#interrupt(refuse('CANCELLED')));
    try {
      let head: Message = {};
      const answers = (await this.#app.perform(call, exchange.header('authorization'), () => {
        const decoded = this.#decode();
        head = decoded.head;
        return decoded;
      })) as AsyncIterable<Message>;
      if (exchange.method === 'HEAD') this.#begin(head);
      else
        for await (const answer of answers) {
          if (this.#done) return;
          const writer = this.#writer ?? this.#begin(head);
          const waiting = writer.write(this.#pieceOf(answer));
          if (waiting !== undefined) await waiting;
        }
      if (this.#writer === undefined) this.#begin(head);
      this.#finish(undefined);
    } catch (thrown) {
      this.#finish(asRefusal(thrown));
    }
  }

  #pieceOf(answer: Message): Uint8Array | string {
    return this.#content === undefined ? `${JSON.stringify(answer)}\n` : (answer[this.#content.json] as Uint8Array);
  }

  /** @returns beside the message what the query and the headers said, which the answer's head follows from */
  #decode(): Decoded & { head: Message } {
    const { rule, variables, query, exchange, call } = this.#request;
    const { rpc, limits } = this.#app;
    const given = rpc.request.fields.filter(({ name }) => name === rule.body || rule.path.includes(`{${name}}`));
    const { message: head, violations } = readQuery(
      rpc.request,
      query,
      given.map(({ name }) => name),
    );
    for (const field of rpc.request.fields) {
      if (Object.hasOwn(variables, field.name)) head[field.json] = variables[field.name];
      else if (field.header === 'content-type') head[field.json] = this.#spoken(field);
      else if (field.header === 'accept') head[field.json] = this.#wanted(field);
      else if (field.header !== undefined) head[field.json] = exchange.header(field.header) ?? head[field.json];
    }
    const body = rpc.request.fields.find(({ name, kind }) => name === rule.body && kind === 'bytes');
    if (body === undefined) return { message: head, violations, head };
    const faults = [...violations, ...checkFields(rpc.request, head, call.userId ?? '')];
    if (faults.length > 0) throw refuseFields(faults);
    if (Number(exchange.header('content-length') ?? 0) > limits.bodyBytesMax) throw refuse('BODY_TOO_LARGE');
    return { message: this.#requests(head, body), violations: [], head };
  }

  #spoken(field: Field): string {
    const value = valueOfContentType(field, this.#request.exchange.header('content-type'));
    if (value === undefined) throw refuse('UNSUPPORTED_MEDIA_TYPE');
    return value;
  }

  #wanted(field: Field): string {
    const value = valueOfAccept(field, this.#request.exchange.header('accept'));
    if (value === undefined) throw refuse('NOT_ACCEPTABLE');
    return value;
  }

  async *#requests(head: Message, body: Field): AsyncGenerator<Message> {
    const { exchange, call } = this.#request;
    const reader = new StreamReader(exchange.incoming(), this.#app.limits.bodyBytesMax, call.cancellation);
    this.#reader = reader;
    for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) {
      call.requestBytes = reader.bytes;
      yield { ...head, [body.json]: piece };
    }
  }

  /** The head waits for the first message, so that what is wrong before it still has its own status. */
  #begin(head: Message): StreamWriter {
    const { exchange, call } = this.#request;
    const { rpc } = this.#app;
    const headers: ResponseHeaders = ['x-request-id', call.requestId, 'cache-control', 'no-store', 'x-content-type-options', 'nosniff'];
    if (this.#content === undefined) headers.push('content-type', jsonLines);
    else {
      const field = rpc.request.fields.find(({ header }) => header === 'accept');
      const { type, extension } = mediaOf(field, field && head[field.json]);
      headers.push('content-type', type.startsWith('text/') ? `${type}; charset=utf-8` : type);
      if (rpc.attachment !== undefined) headers.push('content-disposition', `attachment; filename="${rpc.attachment}.${extension}"`);
      if (field !== undefined) headers.push('vary', 'Accept');
    }
    this.#writable = exchange.begin(rpc.successStatus, headers);
    this.#writable.on('close', () => this.#interrupt(refuse('CANCELLED')));
    this.#writer = new StreamWriter(this.#writable, call.cancellation);
    return this.#writer;
  }

  /** The deadline has come. */
  expire(): void {
    this.#interrupt(refuse('DEADLINE_EXCEEDED'));
  }

  #interrupt(refusal: Refusal): void {
    if (this.#done) return;
    this.#request.call.cancellation.cancel(refusal);
    this.#finish(refusal);
  }

  #finish(refusal: Refusal | undefined): void {
    if (this.#done) return;
    this.#done = true;
    this.#deadlines.remove(this);
    const { exchange, call, rule } = this.#request;
    const { rpc } = this.#app;
    this.#reader?.release();
    let responseBytes = this.#writer?.bytes ?? 0;
    let status = rpc.successStatus;
    if (refusal !== undefined) {
      const problem = problemOf(refusal, call.requestId, rpc);
      ({ status } = problem);
      if (this.#writable === undefined) {
        problem.headers.push('x-request-id', call.requestId, 'cache-control', 'no-store');
        exchange.answer(problem.status, problem.headers, problem.body);
        responseBytes = problem.body.length;
      } else if (this.#content === undefined && refusal.reason !== 'CANCELLED') this.#writable.end(`{"error":${problem.body}}\n`);
      else exchange.breakOff();
    } else if (exchange.method !== 'HEAD' || exchange.dialect === 'http/1.1') this.#writable?.end();
    this.#app.ended(call, {
      dialect: exchange.dialect,
      method: exchange.method,
      route: rule.path,
      status,
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
}
