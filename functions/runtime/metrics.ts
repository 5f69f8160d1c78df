import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import type { EndedRequest, ExporterOptions } from './telemetry.ts';

/** What an instrument is for OpenTelemetry; prom-client has no word for a sum that also falls. */
export type InstrumentKind = 'histogram' | 'counter' | 'upDownCounter' | 'gauge';

/** One metric, by its OpenTelemetry name, unit (UCUM) and attributes. Prometheus' names follow from these. */
export interface Instrument {
  readonly name: string;
  readonly kind: InstrumentKind;
  readonly unit: string;
  readonly help: string;
  /** Attributes besides `function`, which all have. Each has few values: never an id, a path or a text from outside. */
  readonly attributes: readonly string[];
  readonly buckets?: readonly number[];
}

// OpenTelemetry's advice for requests, with two bounds below: a record by its id is answered in one or two milliseconds.
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const statementBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Every metric that a function emits. Names are those of OpenTelemetry's semantic conventions, where they have one. */
export const instruments = {
  httpDuration: {
    name: 'http.server.request.duration',
    kind: 'histogram',
    unit: 's',
    help: 'Duration of HTTP requests, from the first byte to the answer.',
    attributes: [
      'dialect',
      'code',
      'reason',
      'status_class',
      'http.request.method',
      'http.route',
      'http.response.status_code',
      'network.protocol.version',
      'error.type',
    ],
    buckets: requestBuckets,
  },
  rpcDuration: {
    name: 'rpc.server.call.duration',
    kind: 'histogram',
    unit: 's',
    help: 'Duration of gRPC calls, from the first byte to the answer.',
    attributes: ['dialect', 'code', 'reason', 'status_class', 'rpc.system.name', 'rpc.method', 'rpc.response.status_code', 'error.type'],
    buckets: requestBuckets,
  },
  activeRequests: {
    name: 'http.server.active_requests',
    kind: 'upDownCounter',
    unit: '{request}',
    help: 'Requests of every dialect that are not answered yet.',
    attributes: [],
  },
  statementDuration: {
    name: 'db.client.operation.duration',
    kind: 'histogram',
    unit: 's',
    help: 'Duration of database statements, waiting for a connection included.',
    attributes: ['db.system.name', 'db.operation.name', 'db.query.summary', 'error.type'],
    buckets: statementBuckets,
  },
  connections: {
    name: 'db.client.connection.count',
    kind: 'upDownCounter',
    unit: '{connection}',
    help: 'Database connections of the instance, by state.',
    attributes: ['db.client.connection.state'],
  },
  connectionsMax: {
    name: 'db.client.connection.max',
    kind: 'upDownCounter',
    unit: '{connection}',
    help: 'Database connections that the instance may open.',
    attributes: [],
  },
  connectionsAwaited: {
    name: 'db.client.connection.pending_requests',
    kind: 'upDownCounter',
    unit: '{request}',
    help: 'Statements that wait for a connection.',
    attributes: [],
  },
  lost: {
    name: 'record_platform.telemetry.lost',
    kind: 'counter',
    unit: '{item}',
    help: 'Log lines, requests and spans that were dropped because nobody took them in time.',
    attributes: ['signal', 'reason'],
  },
  cpuTime: {
    name: 'process.cpu.time',
    kind: 'counter',
    unit: 's',
    help: 'CPU time of the process, by mode.',
    attributes: ['cpu.mode'],
  },
  memory: {
    name: 'process.memory.usage',
    kind: 'upDownCounter',
    unit: 'By',
    help: 'Resident memory of the process.',
    attributes: [],
  },
  uptime: { name: 'process.uptime', kind: 'gauge', unit: 's', help: 'Time since the process started.', attributes: [] },
  loopDelayP50: {
    name: 'nodejs.eventloop.delay.p50',
    kind: 'gauge',
    unit: 's',
    help: 'Median delay of the event loop since the last export.',
    attributes: [],
  },
  loopDelayP99: {
    name: 'nodejs.eventloop.delay.p99',
    kind: 'gauge',
    unit: 's',
    help: '99th percentile of the delay of the event loop since the last export.',
    attributes: [],
  },
  loopDelayMax: {
    name: 'nodejs.eventloop.delay.max',
    kind: 'gauge',
    unit: 's',
    help: 'Greatest delay of the event loop since the last export.',
    attributes: [],
  },
  loopUtilization: {
    name: 'nodejs.eventloop.utilization',
    kind: 'gauge',
    unit: '1',
    help: 'Share of time in which the event loop was busy since the last export.',
    attributes: [],
  },
} as const satisfies Record<string, Instrument>;

/** The name of a metric in prom-client: OpenTelemetry's name without dots. The Collector adds unit and _total on its own. */
export const promName = (name: string): string => name.replaceAll('.', '_');

export interface Metrics {
  readonly registry: InstanceType<typeof Registry>;
  /** Counts a request and its statements. */
  observe(request: EndedRequest): void;
  /** Counts spans that were lost. */
  lostSpans(spans: number, reason: 'queue_full' | 'export_failed'): void;
  /** Stops watching the event loop. */
  stop(): void;
}

/** The conventions' list of methods: a client may send any word on HTTP/2. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);
export const knownMethod = (method: string): string => (methods.has(method) ? method : '_OTHER');

const routesMax = 50;
const protocolVersions: Readonly<Record<string, string>> = { 'http/1.1': '1.1', 'http/2': '2' };

/** Makes the registry of a process: counts what it is told, and asks for current values when it is collected. */
export function createMetrics(options: Pick<ExporterOptions, 'functionName' | 'gauges' | 'lost'>): Metrics {
  const registry = new Registry();
  const common = { function: options.functionName };

  const parts = (instrument: Instrument) => ({
    name: promName(instrument.name),
    help: instrument.help,
    labelNames: ['function', ...instrument.attributes.map(promName)],
    registers: [registry],
  });
  const histogram = (instrument: Instrument & { buckets: readonly number[] }) =>
    new Histogram({ ...parts(instrument), buckets: [...instrument.buckets] });
  const counter = (instrument: Instrument, collect: (this: InstanceType<typeof Counter>) => void) =>
    new Counter({ ...parts(instrument), collect });
  const gauge = (instrument: Instrument, value: () => number | undefined) =>
    new Gauge({
      ...parts(instrument),
      collect() {
        const current = value();
        if (current !== undefined) this.set(common, current);
      },
    });

  const httpDuration = histogram(instruments.httpDuration);
  const rpcDuration = histogram(instruments.rpcDuration);
  const statementDuration = histogram(instruments.statementDuration);

  gauge(instruments.activeRequests, () => options.gauges.inFlight?.());
  gauge(instruments.connectionsMax, () => options.gauges.pool?.().max);
  gauge(instruments.connectionsAwaited, () => options.gauges.pool?.().waiting);
  new Gauge({
    ...parts(instruments.connections),
    collect() {
      const pool = options.gauges.pool?.();
      if (pool === undefined) return;
      this.set({ ...common, db_client_connection_state: 'used' }, pool.used);
      this.set({ ...common, db_client_connection_state: 'idle' }, pool.idle);
    },
  });

  const lostLabels = (signal: string, reason: string) => ({ ...common, signal, reason });
  const told = { logLines: 0, requests: 0 };
  const lost = counter(instruments.lost, function () {
    const now = options.lost();
    this.inc(lostLabels('log_lines', 'queue_full'), now.logLines - told.logLines);
    this.inc(lostLabels('requests', 'queue_full'), now.requests - told.requests);
    Object.assign(told, now);
  });
  // From zero, so that the first loss shows as an increase.
  lost.inc(lostLabels('spans', 'queue_full'), 0);
  lost.inc(lostLabels('spans', 'export_failed'), 0);

  let cpu = { user: 0, system: 0 };
  counter(instruments.cpuTime, function () {
    const now = process.cpuUsage();
    this.inc({ ...common, cpu_mode: 'user' }, (now.user - cpu.user) / 1e6);
    this.inc({ ...common, cpu_mode: 'system' }, (now.system - cpu.system) / 1e6);
    cpu = now;
  });
  gauge(instruments.memory, () => process.memoryUsage.rss());
  gauge(instruments.uptime, () => process.uptime());

  // prom-client asks its metrics in the order of their making: the last one here ends the interval of the delay.
  const resolutionMs = 20;
  const loopDelay = monitorEventLoopDelay({ resolution: resolutionMs });
  loopDelay.enable();
  // Node measures from one tick of its timer to the next: what exceeds the timer's own period is delay.
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3);
  gauge(instruments.loopDelayP50, () => seconds(loopDelay.percentile(50)));
  gauge(instruments.loopDelayP99, () => seconds(loopDelay.percentile(99)));
  gauge(instruments.loopDelayMax, () => {
    const max = seconds(loopDelay.max);
    loopDelay.reset();
    return max;
  });
  let utilization = performance.eventLoopUtilization();
  gauge(instruments.loopUtilization, () => {
    const now = performance.eventLoopUtilization();
    const since = performance.eventLoopUtilization(now, utilization);
    utilization = now;
    return since.utilization;
  });

  const routes = new Set<string>();
  /** Routes are templates; should raw paths ever come here, they must not become one series each. */
  const knownRoute = (route: string): string => {
    if (routes.has(route)) return route;
    if (routes.size >= routesMax) return '_OTHER';
    routes.add(route);
    return route;
  };

  return {
    registry,
    observe({ outcome, spans }) {
      const { dialect, code, status } = outcome;
      const labels: Record<string, string | number> = {
        function: options.functionName,
        dialect,
        code,
        status_class: `${Math.floor(status / 100)}xx`,
      };
      if (outcome.reason !== undefined) labels.reason = outcome.reason;
      if (status >= 500) labels.error_type = outcome.reason ?? String(status);
      if (dialect === 'grpc') {
        labels.rpc_system_name = 'grpc';
        labels.rpc_method = knownRoute(outcome.route).replace(/^\//, '');
        labels.rpc_response_status_code = code;
        rpcDuration.observe(labels, outcome.seconds);
      } else {
        labels.http_request_method = knownMethod(outcome.method);
        labels.http_route = knownRoute(outcome.route);
        labels.http_response_status_code = status;
        labels.network_protocol_version = protocolVersions[dialect] ?? '';
        httpDuration.observe(labels, outcome.seconds);
      }
      if (spans === undefined) return;
      for (const span of spans) {
        if (span.kind !== 'client') continue;
        const statement: Record<string, string> = { function: options.functionName };
        for (const name of ['db.system.name', 'db.operation.name', 'db.query.summary']) {
          const value = span.attributes[name];
          if (typeof value === 'string') statement[promName(name)] = value;
        }
        if (span.error !== undefined) statement.error_type = span.error;
        statementDuration.observe(statement, (span.endMs - span.startMs) / 1000);
      }
    },
    lostSpans(spans, reason) {
      lost.inc(lostLabels('spans', reason), spans);
    },
    stop() {
      loopDelay.disable();
    },
  };
}
