import { performance } from 'node:perf_hooks';
import type { Call, Outcome, SpanRecord } from './call.ts';
import type { Rpc } from './contract.ts';
import type { Log } from './log.ts';
import type { Exporter } from './telemetry-export.ts';

/** Traces and metrics of one process, pushed as OTLP over gRPC: an instance at zero cannot be scraped. */
export interface Telemetry {
  /** False where no endpoint is configured: then nobody makes spans, and nothing is loaded. */
  readonly enabled: boolean;
  /** Whether a new request's spans are kept; `parent` is what the traceparent says, undefined where there was none. */
  samples(traceId: string, parent: boolean | undefined): boolean;
  /** Takes note of an answered request. It keeps plain data and returns; the rest happens after the answer. */
  requestEnded(call: Call, outcome: Outcome): void;
  /** Says where the current values are; each is asked when metrics are collected. */
  watch(gauges: Gauges): void;
  /** Sends what there is. Comes back after `timeoutMs` at the latest and never throws. */
  flush(timeoutMs: number): Promise<void>;
  /** Sends what there is and stops, within `timeoutMs`. For SIGTERM, after the drain. */
  shutdown(timeoutMs: number): Promise<void>;
}

/** Values that belong to others in the process. */
export interface Gauges {
  /** Requests that are not answered yet. */
  inFlight?: () => number;
  /** The database pool: connections in use and idle, and statements that wait for one. */
  pool?: () => { used: number; idle: number; waiting: number; max: number };
}

/** A request as it is remembered until the exporter takes it: plain data that holds no socket. */
export interface EndedRequest {
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly sampled: boolean;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly outcome: Outcome;
  readonly spans: readonly SpanRecord[] | undefined;
  /** The first request of the process. */
  readonly coldStart: boolean;
}

/** What the exporter is made from. */
export interface ExporterOptions {
  readonly endpoint: string;
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly functionName: string;
  readonly revision: string;
  readonly version: string;
  /** The function's rpc: its spans have its name, whatever the dialect. */
  readonly rpc: Pick<Rpc, 'path' | 'http'> | undefined;
  readonly environment: Environment;
  readonly gauges: Gauges;
  /** Counters kept by others: log lines and requests that were lost, since the start. */
  readonly lost: () => { logLines: number; requests: number };
  readonly failed: (signal: string, error: unknown) => void;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Requests that may wait for the exporter: the burst of a cold start, some seconds of a busy instance. */
const waitingMax = 4096;
/** Requests that are handed over in one turn of the event loop: some tenths of a millisecond of work. */
const batchMax = 64;
/** How long requests gather, and how long after the first answer the exporter is loaded. */
const gatherMs = 1000;
const complainEveryMs = 60_000;

const off: Telemetry = Object.freeze({
  enabled: false,
  samples: (_traceId, parent) => parent ?? false,
  requestEnded: () => {},
  watch: () => {},
  flush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
} satisfies Telemetry);

/**
 * Makes the telemetry of a process. Without an endpoint it is a constant that does nothing. With one, the
 * exporter's code (telemetry-export.ts) is loaded a second after the first answer, or at the first flush.
 * Of OpenTelemetry's environment it honours OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER (none),
 * OTEL_TRACES_SAMPLER and its _ARG, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*, OTEL_METRIC_EXPORT_INTERVAL, and what the OTLP
 * exporters read themselves (headers, certificates, compression, timeout).
 * @param endpoint OTEL_EXPORTER_OTLP_ENDPOINT: "http://host:4317" in plain text, "https://…" with TLS; empty for none.
 * @throws Error where a variable's value cannot be followed.
 */
export function createTelemetry(options: {
  endpoint: string;
  functionName: string;
  revision: string;
  version: string;
  /** The function's rpc: its spans then have its name in every dialect. */
  rpc?: Pick<Rpc, 'path' | 'http'>;
  log: Pick<Log, 'warn' | 'dropped'>;
  environment?: Environment;
}): Telemetry {
  const environment = options.environment ?? process.env;
  const traces = environment.OTEL_TRACES_EXPORTER !== 'none';
  const metrics = environment.OTEL_METRICS_EXPORTER !== 'none';
  if (options.endpoint === '' || environment.OTEL_SDK_DISABLED === 'true' || !(traces || metrics)) return off;
  if (!/^https?:\/\/[^/]+\/?$/.test(options.endpoint))
    throw new Error('OTEL_EXPORTER_OTLP_ENDPOINT must be http://host:port or https://host:port');
  const protocol = environment.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'grpc';
  if (protocol !== 'grpc') throw new Error('OTEL_EXPORTER_OTLP_PROTOCOL must be grpc');
  const samples = samplerOf(environment);

  const gauges: Gauges = {};
  let waiting: EndedRequest[] = [];
  let lostRequests = 0;
  let first = true;
  let stopped = false;
  let scheduled = false;

  let failures = 0;
  let complainedAt = Number.NEGATIVE_INFINITY;
  const failed = (signal: string, error: unknown): void => {
    failures++;
    if (performance.now() - complainedAt < complainEveryMs) return;
    complainedAt = performance.now();
    options.log.warn('telemetry cannot be exported', { signal, failures, cause: error });
    failures = 0;
  };

  let exporter: Exporter | undefined;
  let loading: Promise<Exporter | undefined> | undefined;
  const load = (): Promise<Exporter | undefined> => {
    loading ??= import('./telemetry-export.ts')
      .then(({ createExporter }) => {
        exporter = createExporter({
          endpoint: options.endpoint,
          traces,
          metrics,
          functionName: options.functionName,
          revision: options.revision,
          version: options.version,
          rpc: options.rpc,
          environment,
          gauges,
          lost: () => ({ logLines: options.log.dropped, requests: lostRequests }),
          failed,
        });
        return exporter;
      })
      .catch((error: unknown) => {
        failed('all', error);
        return undefined;
      });
    return loading;
  };

  /** Hands over a batch in each turn, so that requests come in between. */
  const handOver = (): void => {
    scheduled = false;
    if (exporter === undefined) {
      load().then(() => {
        if (exporter !== undefined) handOver();
      });
      return;
    }
    const rest = waiting.length > batchMax ? waiting.splice(batchMax) : [];
    const batch = waiting;
    waiting = rest;
    exporter.take(batch);
    if (waiting.length > 0 && !scheduled) {
      scheduled = true;
      setImmediate(handOver);
    }
  };

  /** Does `work`, waits for it up to `timeoutMs`, and keeps what goes wrong away from the caller. */
  const within = async (timeoutMs: number, work: (exporter: Exporter) => Promise<void>): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        failed('all', new Error(`flushing took more than ${timeoutMs} ms`));
        resolve();
      }, timeoutMs);
    });
    const done = load().then(async (loaded) => {
      if (loaded === undefined) return;
      loaded.take(waiting);
      waiting = [];
      await work(loaded);
    });
    await Promise.race([done.catch((error: unknown) => failed('all', error)), late]);
    clearTimeout(timer);
  };

  return {
    enabled: true,
    samples,
    requestEnded(call, outcome) {
      if (stopped) return;
      if (waiting.length >= waitingMax) {
        lostRequests++;
        return;
      }
      waiting.push({
        requestId: call.requestId,
        traceId: call.traceId,
        spanId: call.spanId,
        parentSpanId: call.parentSpanId,
        sampled: call.sampled,
        startMs: performance.timeOrigin + call.startedAt,
        outcome,
        spans: call.spans,
        coldStart: first,
      });
      first = false;
      if (!scheduled) {
        scheduled = true;
        setTimeout(handOver, gatherMs).unref();
      } else if (waiting.length === batchMax && exporter !== undefined) setImmediate(handOver);
    },
    watch(more) {
      Object.assign(gauges, more);
    },
    flush: (timeoutMs) => (stopped ? Promise.resolve() : within(timeoutMs, (loaded) => loaded.flush())),
    async shutdown(timeoutMs) {
      if (stopped) return;
      stopped = true;
      // A process that answered nothing has nothing to tell, and need not load the exporter to say so.
      if (exporter === undefined && first) return;
      await within(timeoutMs, (loaded) => loaded.shutdown());
    },
  };
}

/** The samplers of OpenTelemetry's specification that need no SDK. */
function samplerOf(environment: Environment): Telemetry['samples'] {
  const name = environment.OTEL_TRACES_SAMPLER || 'parentbased_always_on';
  const ratio = environment.OTEL_TRACES_SAMPLER_ARG ? Number(environment.OTEL_TRACES_SAMPLER_ARG) : 1;
  const [, parentBased, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (kind === undefined)
    throw new Error('OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, or one of them behind parentbased_');
  if (kind === 'traceidratio' && !(ratio >= 0 && ratio <= 1)) throw new Error('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1');
  const keep = kind === 'always_on' ? 1 : kind === 'always_off' ? 0 : ratio;
  // The rightmost seven bytes of a trace id are random (W3C Trace Context, level 2); 52 of their bits fit a double.
  const root = (traceId: string): boolean => keep === 1 || (keep > 0 && Number.parseInt(traceId.slice(-13), 16) >= (1 - keep) * 2 ** 52);
  return parentBased === undefined ? (traceId) => root(traceId) : (traceId, parent) => parent ?? root(traceId);
}
