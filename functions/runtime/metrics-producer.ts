import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { AggregationTemporality, DataPointType, type MetricData, type MetricProducer } from '@opentelemetry/sdk-metrics';
import { type Instrument, instruments, promName } from './metrics.ts';

/** What prom-client's `get()` tells of one value; a histogram is a row per bucket, its sum and its count. */
interface Row {
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
  readonly metricName?: string;
}

interface PromMetric {
  readonly name: string;
  readonly values: readonly Row[];
}

export const hrTime = (epochMs: number): HrTime => {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.round((epochMs - seconds * 1000) * 1e6)];
};

/**
 * Gives prom-client's registry to OpenTelemetry's reader, as cumulative OTLP metrics.
 * @param startMs When every series began at zero, milliseconds since the epoch: the start of the process.
 */
export function createMetricProducer(
  registry: { getMetricsAsJSON(): Promise<unknown> },
  about: { resource: Resource; scope: { name: string; version: string }; startMs: number },
): MetricProducer {
  const startTime = hrTime(about.startMs);
  const byName = new Map<string, Instrument>(Object.values(instruments).map((instrument) => [promName(instrument.name), instrument]));
  return {
    async collect() {
      const endTime = hrTime(performance.timeOrigin + performance.now());
      const collected = (await registry.getMetricsAsJSON()) as PromMetric[];
      const metrics: MetricData[] = [];
      for (const metric of collected) {
        const instrument = byName.get(metric.name);
        if (instrument === undefined || metric.values.length === 0) continue;
        metrics.push(toMetricData(instrument, metric.values, startTime, endTime));
      }
      return { resourceMetrics: { resource: about.resource, scopeMetrics: [{ scope: about.scope, metrics }] }, errors: [] };
    },
  };
}

function toMetricData(instrument: Instrument, rows: readonly Row[], startTime: HrTime, endTime: HrTime): MetricData {
  const attributes = attributesOf(instrument);
  const common = {
    descriptor: { name: instrument.name, description: instrument.help, unit: instrument.unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (instrument.kind === 'histogram') {
    const dataPoints = histograms(instrument, rows).map((point) => ({
      startTime,
      endTime,
      attributes: attributes(point.labels),
      value: { buckets: { boundaries: [...(instrument.buckets ?? [])], counts: point.counts }, sum: point.sum, count: point.count },
    }));
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = rows.map((row) => ({ startTime, endTime, attributes: attributes(row.labels), value: row.value }));
  if (instrument.kind === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...common, dataPointType: DataPointType.SUM, isMonotonic: instrument.kind === 'counter', dataPoints };
}

/** From labels back to attributes: "http_route" is "http.route", "status_class" is itself. */
function attributesOf(instrument: Instrument): (labels: Row['labels']) => Attributes {
  const names = ['function', ...instrument.attributes].map((name) => [promName(name), name] as const);
  return (labels) => {
    const attributes: Attributes = {};
    for (const [label, name] of names) if (labels[label] !== undefined) attributes[name] = labels[label];
    return attributes;
  };
}

interface HistogramPoint {
  readonly labels: Row['labels'];
  /** One more than there are bounds: Prometheus' buckets hold what is below them, OpenTelemetry's only their own. */
  readonly counts: number[];
  sum: number;
  count: number;
}

/** prom-client writes each series as its buckets in rising order, +Inf, sum, count. */
function histograms(instrument: Instrument, rows: readonly Row[]): HistogramPoint[] {
  const points: HistogramPoint[] = [];
  let counts: number[] = [];
  let below = 0;
  let sum = 0;
  const name = promName(instrument.name);
  for (const row of rows) {
    if (row.metricName === `${name}_bucket`) {
      counts.push(row.value - below);
      below = row.value;
    } else if (row.metricName === `${name}_sum`) sum = row.value;
    else {
      points.push({ labels: row.labels, counts, sum, count: row.value });
      counts = [];
      below = 0;
    }
  }
  return points;
}
