import type { Call, Outcome } from './call.ts';
import { describeCause } from './log-cause.ts';
import { readClock, secondText } from './log-clock.ts';
import { LogLine } from './log-line.ts';
import { bounded, escaped, json } from './log-text.ts';

const names = {
  requestBytes: Buffer.from(',"request_bytes":'),
  responseBytes: Buffer.from(',"response_bytes":'),
  reason: Buffer.from(',"reason":"'),
  userId: Buffer.from(',"user_id":"'),
  callerAddress: Buffer.from(',"caller_address":"'),
};

type Kind = Pick<Outcome, 'method' | 'route' | 'dialect' | 'status' | 'code'>;

/**
 * The lines of requests, one after the other in the same memory. Mostly one begins as the last one did: that part stays where it is, and
 * what differs in it, which has always the same length, is written over it.
 */
export class RequestLine extends LogLine {
  /** What every line tells of the process, as JSON without its first quotation mark. */
  readonly #origin: string;
  #kind: Kind | undefined;
  #second = '';
  // Where each value begins.
  #requestId = 0;
  #traceId = 0;
  #spanId = 0;
  #duration = 0;

  constructor(origin: string) {
    super();
    this.#origin = origin;
  }

  /** Makes this the line of one request, without its line feed. */
  write(call: Pick<Call, 'requestId' | 'traceId' | 'spanId'>, outcome: Outcome): void {
    const { status, reason, userId, callerAddress, cause } = outcome;
    const microseconds = Math.round(outcome.seconds * 1e6);
    const milliseconds = Math.floor(microseconds / 1000);
    const ofSecond = readClock();
    if (this.#second !== secondText || !this.#isOfKind(outcome)) this.#begin(outcome);
    this.length = secondText.length;
    this.threeDigits(ofSecond);
    this.length = this.#requestId;
    this.ascii(call.requestId);
    this.length = this.#traceId;
    this.ascii(call.traceId);
    this.length = this.#spanId;
    this.ascii(call.spanId);
    this.length = this.#duration;
    this.number(milliseconds);
    this.ascii('.');
    this.threeDigits(microseconds - 1000 * milliseconds);
    this.block(names.requestBytes);
    this.number(outcome.requestBytes);
    this.block(names.responseBytes);
    this.number(outcome.responseBytes);
    if (reason !== undefined) this.#text(names.reason, reason);
    if (userId !== undefined) this.#text(names.userId, userId);
    if (callerAddress !== undefined) this.#text(names.callerAddress, callerAddress);
    if (status >= 500 && cause !== undefined) this.ascii(`,"cause":${json(describeCause(cause))}`);
    this.ascii('}');
  }

  #isOfKind({ status, route, method, dialect, code }: Kind): boolean {
    const kind = this.#kind;
    return kind?.status === status && kind.route === route && kind.method === method && kind.dialect === dialect && kind.code === code;
  }

  #begin({ method, route, dialect, status, code }: Kind): void {
    this.#kind = { method, route, dialect, status, code };
    this.#second = secondText;
    const [name, path] = [escaped(bounded(method)), escaped(bounded(route))];
    const severity = status >= 500 ? 'ERROR' : 'INFO';
    this.length = 0;
    this.ascii(`${secondText}000Z","severity":"${severity}","message":"${name} ${path} ${status}${this.#origin}`);
    this.ascii(`,"route":"${path}","method":"${name}","dialect":"${dialect}","status":${status},"code":"${code}","request_id":"`);
    this.#requestId = this.length;
    this.ascii(`${' '.repeat(36)}","trace_id":"`);
    this.#traceId = this.length;
    this.ascii(`${' '.repeat(32)}","span_id":"`);
    this.#spanId = this.length;
    this.ascii(`${' '.repeat(16)}","duration_ms":`);
    this.#duration = this.length;
  }

  #text(name: Uint8Array, value: string): void {
    this.block(name);
    this.value(bounded(value), escaped);
    this.ascii('"');
  }
}
