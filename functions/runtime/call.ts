import type { Cancellation } from './cancellation.ts';

/** One request on its way: what the log line, the spans and the statements of it have in common. */
export interface Call {
  /** A UUID, set at the edge or made here. Shown to the client as x-request-id. */
  readonly requestId: string;
  /** W3C trace context: 32 and 16 lower-case hex digits. */
  readonly traceId: string;
  /** The span of this request; SQL spans are its children. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly sampled: boolean;
  /** performance.now() at the first byte, milliseconds. */
  readonly startedAt: number;
  /** Aborts with a Refusal as its reason (CANCELLED, DEADLINE_EXCEEDED). Made at first use: a call without a statement costs none. */
  readonly signal: AbortSignal;
  /** The same for statements; where there is none they follow the signal. */
  readonly cancellation?: Cancellation;
  /** Finished child spans; undefined where telemetry is off, so that nobody makes any. */
  readonly spans: SpanRecord[] | undefined;
}

/** A finished span, kept as plain data until the exporter is loaded, after the answer. */
export interface SpanRecord {
  readonly name: string;
  readonly kind: 'server' | 'client';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Milliseconds since the epoch, with fractions (performance.timeOrigin + performance.now()). */
  readonly startMs: number;
  readonly endMs: number;
  /** OpenTelemetry semantic conventions. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Set where the span failed: the reason, never a message with values in it. */
  readonly error?: string;
}

/** How one request ended, for its log line and its metrics. No field holds a value from a body. */
export interface Outcome {
  readonly dialect: 'http/1.1' | 'http/2' | 'grpc';
  /** HTTP method, or "POST" for gRPC. */
  readonly method: string;
  /** The route's template ("/api/records/{record_id}") or the full gRPC method; never the raw path. */
  readonly route: string;
  /** HTTP status; on gRPC the one of the error table's row. */
  readonly status: number;
  /** gRPC code name: "OK", "NOT_FOUND" … also on HTTP, so that one panel shows both. */
  readonly code: string;
  readonly reason: string | undefined;
  readonly seconds: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly userId: string | undefined;
  readonly callerAddress: string | undefined;
  /** What went wrong inside, for the log only. */
  readonly cause: unknown;
}
