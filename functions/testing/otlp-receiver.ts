import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';

/** A span as it arrived, with ids in hex and times in nanoseconds since the epoch. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 2 server, 3 client. */
  readonly kind: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Attributes;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: { code: number; message: string };
  readonly flags: number;
  readonly resource: Attributes;
}

/** One data point of one push. */
export interface ReceivedPoint {
  readonly metric: string;
  readonly unit: string;
  readonly type: 'gauge' | 'sum' | 'histogram';
  /** 2 cumulative; 0 where there is none (gauges). */
  readonly temporality: number;
  readonly monotonic: boolean;
  readonly start: bigint;
  readonly time: bigint;
  readonly attributes: Attributes;
  /** Of gauges and sums. */
  readonly value: number | undefined;
  readonly count: number;
  readonly sum: number;
  readonly bounds: readonly number[];
  readonly bucketCounts: readonly number[];
  readonly resource: Attributes;
}

export type Attributes = Record<string, string | number | boolean>;

/** A real OTLP endpoint (gRPC, opentelemetry-proto 1.x) on 127.0.0.1 that keeps what it gets. */
export interface OtlpReceiver {
  readonly endpoint: string;
  readonly port: number;
  readonly spans: ReceivedSpan[];
  /** The points of each push of metrics. */
  readonly pushes: ReceivedPoint[][];
  stop(): Promise<void>;
}

const serviceOf = (path: string, receive: (body: Buffer) => void, fails: () => boolean) => ({
  definition: {
    Export: {
      path,
      requestStream: false as const,
      responseStream: false as const,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  },
  implementation: {
    Export(call: { request: Buffer }, answer: (error: { code: number } | null, bytes?: Buffer) => void) {
      if (fails()) return answer({ code: status.UNAVAILABLE });
      receive(call.request);
      answer(null, Buffer.alloc(0));
    },
  },
});

/** @param options.fails Answers UNAVAILABLE while it says so. */
export async function startOtlpReceiver(options: { port?: number; fails?: () => boolean } = {}): Promise<OtlpReceiver> {
  const server = new Server();
  const spans: ReceivedSpan[] = [];
  const pushes: ReceivedPoint[][] = [];
  const fails = options.fails ?? (() => false);
  const traces = serviceOf(
    '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    (body) => void spans.push(...readTraces(body)),
    fails,
  );
  const metrics = serviceOf(
    '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
    (body) => void pushes.push(readMetrics(body)),
    fails,
  );
  server.addService(traces.definition, traces.implementation);
  server.addService(metrics.definition, metrics.implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    spans,
    pushes,
    stop: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        setTimeout(() => server.forceShutdown(), 200).unref();
      }),
  };
}

// What follows reads the wire by the field numbers of opentelemetry-proto: independent of the exporter's own writer.

type Read = (reader: BinaryReader, wireType: WireType) => void;

function readMessage(reader: BinaryReader, length: number, fields: Record<number, Read>): void {
  const end = reader.pos + length;
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const read = fields[number];
    if (read === undefined) reader.skip(wireType, number);
    else read(reader, wireType);
  }
}

const message =
  (fields: () => Record<number, Read>): Read =>
  (reader) =>
    readMessage(reader, reader.uint32(), fields());

/** Sets one property of `target` to what is read. */
const keep =
  <Target, Name extends keyof Target>(target: Target, name: Name, read: (reader: BinaryReader) => Target[Name]): Read =>
  (reader) => {
    target[name] = read(reader);
  };
const text = (reader: BinaryReader): string => reader.string();
const int32 = (reader: BinaryReader): number => reader.int32();
const double = (reader: BinaryReader): number => reader.double();
const nanoseconds = (reader: BinaryReader): bigint => BigInt(reader.fixed64());

const hex = (reader: BinaryReader): string => Buffer.from(reader.bytes()).toString('hex');

/** Repeated numbers, packed or not. */
const numbers =
  (into: number[], read: (reader: BinaryReader) => number): Read =>
  (reader, wireType) => {
    if (wireType !== WireType.LengthDelimited) {
      into.push(read(reader));
      return;
    }
    const end = reader.uint32() + reader.pos;
    while (reader.pos < end) into.push(read(reader));
  };

const keyValue = (into: Attributes): Read =>
  message(() => {
    let key = '';
    const set = (value: string | number | boolean) => {
      into[key] = value;
    };
    return {
      1: (reader) => {
        key = reader.string();
      },
      2: message(() => ({
        1: (reader) => set(reader.string()),
        2: (reader) => set(reader.bool()),
        3: (reader) => set(Number(reader.int64())),
        4: (reader) => set(reader.double()),
      })),
    };
  });

function readTraces(body: Buffer): ReceivedSpan[] {
  const spans: ReceivedSpan[] = [];
  const resourceSpans = () => {
    const resource: Attributes = {};
    return {
      1: message(() => ({ 1: keyValue(resource) })),
      2: message(() => ({ 2: readSpan(resource, spans) })),
    };
  };
  const reader = new BinaryReader(body);
  readMessage(reader, body.length, { 1: message(resourceSpans) });
  return spans;
}

const readSpan =
  (resource: Attributes, into: ReceivedSpan[]): Read =>
  (reader) => {
    const span = { traceId: '', spanId: '', parentSpanId: '', name: '', kind: 0, start: 0n, end: 0n, flags: 0 };
    const attributes: Attributes = {};
    const ended = { code: 0, message: '' };
    readMessage(reader, reader.uint32(), {
      1: keep(span, 'traceId', hex),
      2: keep(span, 'spanId', hex),
      4: keep(span, 'parentSpanId', hex),
      5: keep(span, 'name', text),
      6: keep(span, 'kind', int32),
      7: keep(span, 'start', nanoseconds),
      8: keep(span, 'end', nanoseconds),
      9: keyValue(attributes),
      15: message(() => ({
        2: keep(ended, 'message', text),
        3: keep(ended, 'code', int32),
      })),
      16: keep(span, 'flags', (from) => from.fixed32()),
    });
    into.push({ ...span, attributes, status: ended, resource });
  };

function readMetrics(body: Buffer): ReceivedPoint[] {
  const points: ReceivedPoint[] = [];
  const resourceMetrics = () => {
    const resource: Attributes = {};
    return {
      1: message(() => ({ 1: keyValue(resource) })),
      2: message(() => ({ 2: readMetric(resource, points) })),
    };
  };
  const reader = new BinaryReader(body);
  readMessage(reader, body.length, { 1: message(resourceMetrics) });
  return points;
}

const readMetric =
  (resource: Attributes, into: ReceivedPoint[]): Read =>
  (reader) => {
    const about = { metric: '', unit: '' };
    const data = (type: ReceivedPoint['type']): Read =>
      message(() => {
        const first = into.length;
        const common = { temporality: 0, monotonic: false };
        const update = () => {
          for (let at = first; at < into.length; at++) into[at] = { ...(into[at] as ReceivedPoint), ...common };
        };
        return {
          1: () => {
            into.push({ ...about, type, ...common, ...readPoint(reader, type), resource });
          },
          2: () => {
            common.temporality = reader.int32();
            update();
          },
          3: () => {
            common.monotonic = reader.bool();
            update();
          },
        };
      });
    readMessage(reader, reader.uint32(), {
      1: keep(about, 'metric', text),
      3: keep(about, 'unit', text),
      5: data('gauge'),
      7: data('sum'),
      9: data('histogram'),
    });
  };

function readPoint(reader: BinaryReader, type: ReceivedPoint['type']) {
  const attributes: Attributes = {};
  const bounds: number[] = [];
  const bucketCounts: number[] = [];
  const point = { start: 0n, time: 0n, value: undefined as number | undefined, count: 0, sum: 0 };
  const times: Record<number, Read> = {
    2: keep(point, 'start', nanoseconds),
    3: keep(point, 'time', nanoseconds),
  };
  const own: Record<number, Read> =
    type === 'histogram'
      ? {
          4: keep(point, 'count', (from) => Number(from.fixed64())),
          5: keep(point, 'sum', double),
          6: numbers(bucketCounts, () => Number(reader.fixed64())),
          7: numbers(bounds, () => reader.double()),
          9: keyValue(attributes),
        }
      : {
          4: keep(point, 'value', double),
          6: keep(point, 'value', (from) => Number(from.sfixed64())),
          7: keyValue(attributes),
        };
  readMessage(reader, reader.uint32(), { ...times, ...own });
  return { ...point, attributes, bounds, bucketCounts };
}
