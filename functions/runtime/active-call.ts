import { performance } from 'node:perf_hooks';
import type { Call, SpanRecord } from './call.ts';
import type { Refusal } from './refusal.ts';

type Trace = Pick<Call, 'traceId' | 'spanId' | 'parentSpanId' | 'sampled'>;

/** A call from its first byte to its answer. The abort controller is made only for calls that wait for something. */
export class ActiveCall implements Call {
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly sampled: boolean;
  readonly callerAddress: string | undefined;
  readonly startedAt = performance.now();
  readonly spans: SpanRecord[] | undefined;
  /** Set when the caller is known. */
  userId: string | undefined;
  requestBytes = 0;
  #controller: AbortController | undefined;
  #aborted: Refusal | undefined;

  /** @param traced whether spans are kept for it. */
  constructor(requestId: string, trace: Trace, callerAddress: string | undefined, traced: boolean) {
    this.requestId = requestId;
    this.traceId = trace.traceId;
    this.spanId = trace.spanId;
    this.parentSpanId = trace.parentSpanId;
    this.sampled = trace.sampled;
    this.callerAddress = callerAddress;
    this.spans = traced ? [] : undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  /** Since the first byte. */
  seconds(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  /** Ends whatever the call still waits for. */
  abort(why: Refusal): void {
    this.#aborted ??= why;
    this.#controller?.abort(why);
  }
}
