import { performance } from 'node:perf_hooks';
import type { Call, SpanRecord } from './call.ts';
import { Canceller } from './cancellation.ts';
import { newSpanId } from './trace-context.ts';

/** A call from its first byte to its answer. What only calls that wait for something need is made for those. */
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
  #canceller: Canceller | undefined;
  #controller: AbortController | undefined;

  /**
   * @param traceId of the trace that it belongs to, in which it is a new span
   * @param traced whether spans are kept for it
   */
  constructor(
    requestId: string,
    traceId: string,
    parentSpanId: string | undefined,
    sampled: boolean,
    callerAddress: string | undefined,
    traced: boolean,
  ) {
    this.requestId = requestId;
    this.traceId = traceId;
    this.spanId = newSpanId();
    this.parentSpanId = parentSpanId;
    this.sampled = sampled;
    this.callerAddress = callerAddress;
    this.spans = traced ? [] : undefined;
  }

  get cancellation(): Canceller {
    this.#canceller ??= new Canceller();
    return this.#canceller;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      const { cancellation } = this;
      if (cancellation.reason !== undefined) controller.abort(cancellation.reason);
      else cancellation.onCancel(() => controller.abort(cancellation.reason));
    }
    return this.#controller.signal;
  }

  /** Since the first byte. */
  seconds(): number {
    return (performance.now() - this.startedAt) / 1000;
  }
}
