import { performance } from 'node:perf_hooks';
import type { Call, SpanRecord } from './call.ts';
import { newSpanId } from './trace-context.ts';

/** What of a statement may be shown: its text has no values in it, but only its summary is short enough for every span. */
export interface Summary {
  /** "SELECT" */
  readonly operation: string;
  /** "SELECT records.get_record": the operation and what it is about, which is the span's name. */
  readonly text: string;
}

/** Summarizes a statement: its verb and the first name with a schema. */
export function summarize(statement: string): Summary {
  const operation = /^\s*(\w+)/.exec(statement)?.[1]?.toUpperCase() ?? 'QUERY';
  const target = /\b([a-z_]\w*\.[a-z_]\w*)/.exec(statement)?.[1];
  return { operation, text: target === undefined ? operation : `${operation} ${target}` };
}

/**
 * A finished client span of one statement, by OpenTelemetry's semantic conventions for PostgreSQL. It holds no value.
 * @param startedAt performance.now() when the statement was asked for: waiting for a connection counts
 */
export function statementSpan(call: Call, database: SpanDatabase, summary: Summary, startedAt: number, error: unknown): SpanRecord {
  const code = error === undefined ? undefined : codeOf(error);
  return {
    name: summary.text,
    kind: 'client',
    traceId: call.traceId,
    spanId: newSpanId(),
    parentSpanId: call.spanId,
    startMs: performance.timeOrigin + startedAt,
    endMs: performance.timeOrigin + performance.now(),
    attributes: {
      'db.system.name': 'postgresql',
      'db.namespace': database.namespace,
      'db.operation.name': summary.operation,
      'db.query.summary': summary.text,
      'server.address': database.host,
      'server.port': database.port,
      ...(code === undefined ? {} : { 'error.type': code }),
    },
    ...(code === undefined ? {} : { error: code }),
  };
}

export interface SpanDatabase {
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
}

function codeOf(error: unknown): string {
  const { reason, code, name } = error as { reason?: string; code?: string; name?: string };
  return reason ?? code ?? name ?? 'unknown';
}
