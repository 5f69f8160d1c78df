import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import type { SpanRecord } from './call.ts';
import { createMetrics, knownMethod } from './metrics.ts';
import { createMetricProducer, hrTime } from './metrics-producer.ts';
import type { EndedRequest, Environment, ExporterOptions } from './telemetry.ts';

/** The part of telemetry that is heavy to load: it turns ended requests into spans and metrics and sends them. */
export interface Exporter {
  take(requests: readonly EndedRequest[]): void;
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

const queueMax = 2048;
/** OpenTelemetry's default is a minute: as long as an instance lives that nobody calls again. */
const metricsIntervalMs = 15_000;
const exportTimeoutMs = 10_000;

const numberOf = (value: string | undefined, fallback: number): number => {
  const number = Number(value);
  return value !== undefined && value !== '' && Number.isInteger(number) && number > 0 ? number : fallback;
};

/** Connects to nothing yet: the first export does. */
export function createExporter(options: ExporterOptions): Exporter {
  const { environment, failed } = options;
  const resource = resourceOf(options);
  const scope = { name: 'record-platform', version: options.version };
  const metrics = createMetrics(options);
  const timeoutMillis = numberOf(environment.OTEL_EXPORTER_OTLP_TIMEOUT, exportTimeoutMs);

  // The SDK's tracer is not needed: its processor takes any span that has ended, and ours ended before this was loaded.
  const spanQueueMax = numberOf(environment.OTEL_BSP_MAX_QUEUE_SIZE, queueMax);
  let spansWaiting = 0;
  const traceExporter = options.traces ? new OTLPTraceExporter({ url: options.endpoint, timeoutMillis }) : undefined;
  const processor =
    traceExporter &&
    new BatchSpanProcessor(
      {
        export(spans, done) {
          spansWaiting -= spans.length;
          traceExporter.export(spans, (result) => {
            if (result.code !== 0) {
              metrics.lostSpans(spans.length, 'export_failed');
              failed('traces', result.error);
            }
            done(result);
          });
        },
        forceFlush: () => traceExporter.forceFlush(),
        shutdown: () => traceExporter.shutdown(),
      },
      {
        maxQueueSize: spanQueueMax,
        maxExportBatchSize: Math.min(numberOf(environment.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, 512), spanQueueMax),
        scheduledDelayMillis: numberOf(environment.OTEL_BSP_SCHEDULE_DELAY, 5_000),
        exportTimeoutMillis: timeoutMillis + 1_000,
      },
    );
  const rpcName = options.rpc?.path.slice(1);
  const rpcRoutes = new Set(options.rpc?.http.map((rule) => rule.path));
  const addSpan = (span: ReadableSpan): void => {
    if (spansWaiting >= spanQueueMax) {
      metrics.lostSpans(1, 'queue_full');
      return;
    }
    spansWaiting++;
    processor?.onEnd(span);
  };

  const metricExporter = options.metrics ? new OTLPMetricExporter({ url: options.endpoint, timeoutMillis }) : undefined;
  const reader =
    metricExporter &&
    new PeriodicExportingMetricReader({
      exporter: {
        export: (collected, done) =>
          metricExporter.export(collected, (result) => {
            if (result.code !== 0) failed('metrics', result.error);
            done(result);
          }),
        forceFlush: () => metricExporter.forceFlush(),
        shutdown: () => metricExporter.shutdown(),
      },
      exportIntervalMillis: numberOf(environment.OTEL_METRIC_EXPORT_INTERVAL, metricsIntervalMs),
    });
  // What a MeterProvider would do; there is none, because prom-client holds the metrics.
  reader?.setMetricProducer(createMetricProducer(metrics.registry, { resource, scope, startMs: performance.timeOrigin }));

  const settled = async (work: readonly (Promise<void> | undefined)[]): Promise<void> => {
    for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') failed('all', result.reason);
  };

  return {
    take(requests) {
      for (const request of requests) {
        metrics.observe(request);
        if (processor === undefined || !request.sampled) continue;
        const name = rpcRoutes.has(request.outcome.route) ? rpcName : undefined;
        addSpan(toSpan(serverSpan(request, name), request.parentSpanId !== undefined, resource, scope));
        for (const span of request.spans ?? []) addSpan(toSpan(span, false, resource, scope));
      }
    },
    async flush() {
      // Spans first: those that are lost here still get counted.
      await settled([processor?.forceFlush().then(() => traceExporter?.forceFlush())]);
      await settled([reader?.forceFlush()]);
    },
    async shutdown() {
      metrics.stop();
      await settled([processor?.shutdown(), reader?.shutdown()]);
    },
  };
}

/** Resource attributes, ours before those of OTEL_RESOURCE_ATTRIBUTES: dashboards rely on the function's name. */
function resourceOf({ functionName, revision, version, environment }: ExporterOptions): Resource {
  const instance = randomUUID();
  return resourceFromAttributes({
    'service.namespace': 'record-platform',
    ...attributesFrom(environment),
    'service.name': functionName,
    'service.version': version,
    'service.instance.id': instance,
    'faas.name': functionName,
    ...(revision === '' ? {} : { 'faas.version': revision, K_REVISION: revision }),
    // The other two names that Knative gives a container; a Service may be called otherwise than its function.
    ...(environment.K_SERVICE ? { K_SERVICE: environment.K_SERVICE } : {}),
    ...(environment.K_CONFIGURATION ? { K_CONFIGURATION: environment.K_CONFIGURATION } : {}),
    'faas.instance': environment.K_SERVICE ? hostname() : instance,
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
  });
}

/** OTEL_RESOURCE_ATTRIBUTES: "key=value,key=value", percent-encoded. What is not of that form is left out. */
function attributesFrom(environment: Environment): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of (environment.OTEL_RESOURCE_ATTRIBUTES ?? '').split(',')) {
    const [key, value] = pair.split('=').map((part) => part.trim());
    if (!key || value === undefined) continue;
    try {
      attributes[decodeURIComponent(key)] = decodeURIComponent(value);
    } catch {
      // A stray percent sign.
    }
  }
  return attributes;
}

/**
 * The span of a request, by the conventions for HTTP and RPC servers.
 * @param name The rpc behind an HTTP route: "records.RecordsService/GetRecord". Other routes have "GET /livez".
 */
function serverSpan(request: EndedRequest, name: string | undefined): SpanRecord {
  const { outcome } = request;
  const { reason, status } = outcome;
  const failed = status >= 500;
  const method = outcome.route.replace(/^\//, '');
  const grpc = outcome.dialect === 'grpc';
  return {
    name: grpc ? method : (name ?? `${knownMethod(outcome.method)} ${outcome.route}`),
    kind: 'server',
    traceId: request.traceId,
    spanId: request.spanId,
    parentSpanId: request.parentSpanId,
    startMs: request.startMs,
    endMs: request.startMs + outcome.seconds * 1000,
    attributes: {
      ...(grpc
        ? { 'rpc.system.name': 'grpc', 'rpc.method': method, 'rpc.response.status_code': outcome.code }
        : {
            'http.request.method': knownMethod(outcome.method),
            'http.route': outcome.route,
            'http.response.status_code': status,
            'network.protocol.name': 'http',
            'network.protocol.version': outcome.dialect.slice('http/'.length),
          }),
      'http.request.body.size': outcome.requestBytes,
      'http.response.body.size': outcome.responseBytes,
      'faas.trigger': 'http',
      ...(request.coldStart ? { 'faas.coldstart': true } : {}),
      'record_platform.request_id': request.requestId,
      ...(reason === undefined ? {} : { 'record_platform.reason': reason }),
      ...(failed ? { 'error.type': reason ?? String(status) } : {}),
    },
    ...(failed ? { error: reason ?? String(status) } : {}),
  };
}

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT };

function toSpan(record: SpanRecord, parentIsRemote: boolean, resource: Resource, scope: { name: string; version: string }): ReadableSpan {
  const context = { traceId: record.traceId, spanId: record.spanId, traceFlags: TraceFlags.SAMPLED };
  return {
    name: record.name,
    kind: kinds[record.kind],
    spanContext: () => context,
    ...(record.parentSpanId === undefined
      ? {}
      : { parentSpanContext: { ...context, spanId: record.parentSpanId, isRemote: parentIsRemote } }),
    startTime: hrTime(record.startMs),
    endTime: hrTime(record.endMs),
    duration: hrTime(record.endMs - record.startMs),
    status: record.error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: record.error },
    attributes: record.attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}
