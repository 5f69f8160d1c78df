import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { type OtlpReceiver, type ReceivedPoint, startOtlpReceiver } from '../testing/otlp-receiver.ts';
import type { Call, Outcome, SpanRecord } from './call.ts';
import { instruments } from './metrics.ts';
import { createTelemetry, type Environment, type Telemetry } from './telemetry.ts';
import { newSpanId, newTraceId } from './trace-context.ts';

const rpc = {
  path: '/records.RecordsService/GetRecord',
  http: [{ method: 'GET', path: '/api/records/{record_id}' }],
} as const;

const receivers: OtlpReceiver[] = [];
after(() => Promise.all(receivers.map((receiver) => receiver.stop())));
async function receiverOf(options: Parameters<typeof startOtlpReceiver>[0] = {}): Promise<OtlpReceiver> {
  const receiver = await startOtlpReceiver(options);
  receivers.push(receiver);
  return receiver;
}

interface Warning {
  readonly event: string;
  readonly fields: Record<string, unknown>;
}

function telemetryOf(endpoint: string, environment: Environment = {}, dropped = 0): Telemetry & { warnings: Warning[] } {
  const warnings: Warning[] = [];
  const telemetry = createTelemetry({
    endpoint,
    functionName: 'records-get-record',
    revision: 'records-get-record-00007',
    version: '1.2.3',
    rpc,
    log: { warn: (event, fields) => void warnings.push({ event, fields: fields as Warning['fields'] }), dropped },
    // Only what a test asks for is sent in between: intervals are long.
    environment: { OTEL_METRIC_EXPORT_INTERVAL: '600000', OTEL_BSP_SCHEDULE_DELAY: '600000', ...environment },
  });
  return { ...telemetry, warnings };
}

function callOf(more: Partial<Call> = {}): Call {
  const call = {
    requestId: 'b9b7f1a0-3d5c-4f0e-9a51-0c1d2e3f4a5b',
    traceId: newTraceId(),
    spanId: newSpanId(),
    parentSpanId: undefined,
    sampled: true,
    startedAt: performance.now(),
    signal: new AbortController().signal,
    spans: [],
  };
  return { ...call, ...more };
}

const outcomeOf = (more: Partial<Outcome> = {}): Outcome => ({
  dialect: 'http/2',
  method: 'GET',
  route: '/api/records/{record_id}',
  status: 200,
  code: 'OK',
  reason: undefined,
  seconds: 0.004,
  requestBytes: 0,
  responseBytes: 812,
  userId: '0190c7a3-7f5e-7c3a-9d4f-0123456789ab',
  callerAddress: '192.0.2.17',
  cause: undefined,
  ...more,
});

const statementOf = (call: Pick<Call, 'traceId' | 'spanId'>, more: Partial<SpanRecord> = {}): SpanRecord => {
  const endMs = performance.timeOrigin + performance.now();
  return {
    name: 'records.get_record',
    kind: 'client',
    traceId: call.traceId,
    spanId: newSpanId(),
    parentSpanId: call.spanId,
    startMs: endMs - 2,
    endMs,
    attributes: { 'db.system.name': 'postgresql', 'db.query.summary': 'records.get_record' },
    ...more,
  };
};

const last = (receiver: OtlpReceiver): ReceivedPoint[] => receiver.pushes.at(-1) ?? [];
const points = (receiver: OtlpReceiver, metric: string): ReceivedPoint[] => last(receiver).filter((point) => point.metric === metric);
const total = (receiver: OtlpReceiver, metric: string): number => points(receiver, metric).reduce((sum, point) => sum + point.count, 0);
const lost = (receiver: OtlpReceiver, signal: string, reason: string): number | undefined =>
  points(receiver, 'record_platform.telemetry.lost').find(
    (point) => point.attributes.signal === signal && point.attributes.reason === reason,
  )?.value;

test('a request is a server span with its own ids, its statement a child of it', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint);
  const parentSpanId = newSpanId();
  const startedAt = performance.now();
  const call = callOf({ parentSpanId, startedAt });
  const statement = statementOf(call);
  telemetry.requestEnded({ ...call, spans: [statement] }, outcomeOf({ seconds: 0.0125 }));
  await telemetry.shutdown(5_000);

  assert.equal(receiver.spans.length, 2);
  const server = receiver.spans.find((span) => span.kind === 2);
  const child = receiver.spans.find((span) => span.kind === 3);
  assert.ok(server && child);
  assert.equal(server.traceId, call.traceId);
  assert.equal(server.spanId, call.spanId);
  assert.equal(server.parentSpanId, parentSpanId);
  assert.equal(server.name, 'records.RecordsService/GetRecord');
  assert.deepEqual(server.attributes, {
    'http.request.method': 'GET',
    'http.route': '/api/records/{record_id}',
    'http.response.status_code': 200,
    'network.protocol.name': 'http',
    'network.protocol.version': '2',
    'http.request.body.size': 0,
    'http.response.body.size': 812,
    'faas.trigger': 'http',
    'faas.coldstart': true,
    'record_platform.request_id': call.requestId,
  });
  assert.deepEqual(server.status, { code: 0, message: '' });
  assert.equal(server.flags & 1, 1, 'sampled');
  assert.equal(server.flags & 0x300, 0x300, 'the parent is remote');
  assert.equal(server.end - server.start, 12_500_000n);
  const started = BigInt(Math.round((performance.timeOrigin + startedAt) * 1e6));
  assert.ok(Math.abs(Number(server.start - started)) < 2_000, 'nanoseconds, as exact as the clock gives them');

  assert.equal(child.traceId, call.traceId);
  assert.equal(child.spanId, statement.spanId);
  assert.equal(child.parentSpanId, call.spanId);
  assert.equal(child.name, 'records.get_record');
  assert.equal(child.flags & 0x300, 0x100, 'the parent is of this process');
  assert.equal(child.attributes['db.system.name'], 'postgresql');
  assert.ok(Math.abs(Number(child.end - child.start) - 2_000_000) < 1_000);
});

test('a gRPC call, a failed one and one of another route are spans by their conventions', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint);
  const grpc = callOf();
  telemetry.requestEnded(
    grpc,
    outcomeOf({ dialect: 'grpc', method: 'POST', route: rpc.path, status: 404, code: 'NOT_FOUND', reason: 'NOT_FOUND' }),
  );
  const failed = callOf();
  const statement = statementOf(failed, { error: 'UPSTREAM_UNAVAILABLE' });
  telemetry.requestEnded(
    { ...failed, spans: [statement] },
    outcomeOf({ status: 503, code: 'UNAVAILABLE', reason: 'UPSTREAM_UNAVAILABLE' }),
  );
  const probe = callOf();
  telemetry.requestEnded(probe, outcomeOf({ dialect: 'http/1.1', method: 'BREW', route: '/livez' }));
  await telemetry.shutdown(5_000);

  const by = (id: string) => receiver.spans.find((span) => span.spanId === id);
  assert.equal(by(grpc.spanId)?.name, 'records.RecordsService/GetRecord');
  assert.equal(by(grpc.spanId)?.attributes['rpc.system.name'], 'grpc');
  assert.equal(by(grpc.spanId)?.attributes['rpc.method'], 'records.RecordsService/GetRecord');
  assert.equal(by(grpc.spanId)?.attributes['rpc.response.status_code'], 'NOT_FOUND');
  assert.equal(by(grpc.spanId)?.status.code, 0, 'not found is no fault of the server');
  assert.equal(by(grpc.spanId)?.parentSpanId, '');
  assert.deepEqual(by(failed.spanId)?.status, { code: 2, message: 'UPSTREAM_UNAVAILABLE' });
  assert.equal(by(failed.spanId)?.attributes['error.type'], 'UPSTREAM_UNAVAILABLE');
  assert.deepEqual(by(statement.spanId)?.status, { code: 2, message: 'UPSTREAM_UNAVAILABLE' });
  assert.equal(by(probe.spanId)?.name, '_OTHER /livez');
  assert.deepEqual(
    receiver.spans.filter((span) => span.attributes['faas.coldstart'] === true).map((span) => span.spanId),
    [grpc.spanId],
    'only the first request met a cold start',
  );
});

test('a request that is not sampled is counted, and leaves no span', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint);
  const call = callOf({ sampled: false });
  telemetry.requestEnded({ ...call, spans: [statementOf(call)] }, outcomeOf());
  await telemetry.shutdown(5_000);
  assert.equal(receiver.spans.length, 0);
  assert.equal(total(receiver, 'http.server.request.duration'), 1);
  assert.equal(total(receiver, 'db.client.operation.duration'), 1);
});

test('histograms count exactly the requests that were sent, cumulatively, from the start of the process', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint);
  const seconds = [0.0009, 0.001, 0.0011, 0.02, 3, 99];
  for (const each of seconds) telemetry.requestEnded(callOf(), outcomeOf({ seconds: each }));
  for (let i = 0; i < 700; i++)
    telemetry.requestEnded(callOf(), outcomeOf({ dialect: 'grpc', method: 'POST', route: rpc.path, seconds: 0.002 }));
  await telemetry.flush(5_000);
  const first = points(receiver, 'http.server.request.duration');
  telemetry.requestEnded(callOf(), outcomeOf({ seconds: 0.02 }));
  telemetry.requestEnded(callOf(), outcomeOf({ status: 404, code: 'NOT_FOUND', reason: 'NOT_FOUND' }));
  await telemetry.shutdown(5_000);
  const second = points(receiver, 'http.server.request.duration');

  assert.equal(first.length, 1);
  const [before] = first as [ReceivedPoint];
  assert.equal(before.count, 6);
  assert.ok(Math.abs(before.sum - seconds.reduce((sum, each) => sum + each)) < 1e-9);
  assert.deepEqual(before.bounds, instruments.httpDuration.buckets);
  assert.equal(before.bucketCounts.length, before.bounds.length + 1);
  const filled = Object.fromEntries(
    before.bucketCounts.map((count, at) => [String(before.bounds[at]), count]).filter(([, count]) => count),
  );
  assert.deepEqual(filled, { 0.001: 2, 0.0025: 1, 0.025: 1, 5: 1, undefined: 1 });
  assert.equal(before.unit, 's');
  assert.equal(before.temporality, 2);
  assert.deepEqual(before.attributes, {
    function: 'records-get-record',
    dialect: 'http/2',
    code: 'OK',
    status_class: '2xx',
    'http.request.method': 'GET',
    'http.route': '/api/records/{record_id}',
    'http.response.status_code': 200,
    'network.protocol.version': '2',
  });

  assert.equal(second.length, 2, 'a series for each outcome');
  assert.deepEqual(
    second.map((point) => [point.attributes.code, point.count]),
    [
      ['OK', 7],
      ['NOT_FOUND', 1],
    ],
  ); // prettier
  assert.deepEqual(
    points(receiver, 'rpc.server.call.duration').map((point) => [point.attributes['rpc.method'], point.count]),
    [['records.RecordsService/GetRecord', 700]],
  );
  const start = BigInt(Math.round(performance.timeOrigin * 1e6));
  for (const point of [...first, ...second]) assert.ok(Math.abs(Number(point.start - start)) < 1_000_000, 'within a millisecond');
  assert.ok((second[0] as ReceivedPoint).time > before.time);
  assert.ok(before.time > before.start);
});

test('current values come from those who know them', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint, {}, 3);
  telemetry.watch({ inFlight: () => 5, pool: () => ({ used: 2, idle: 1, waiting: 4, max: 3 }) });
  const spin = performance.now();
  telemetry.requestEnded(callOf(), outcomeOf());
  await telemetry.flush(5_000);
  while (performance.now() - spin < 150); // the loop is late now, and the CPU has done something
  await new Promise((resolve) => setTimeout(resolve, 60));
  await telemetry.shutdown(5_000);
  const value = (metric: string) => points(receiver, metric)[0]?.value ?? Number.NaN;
  assert.equal(value('http.server.active_requests'), 5);
  assert.equal(value('db.client.connection.max'), 3);
  assert.equal(value('db.client.connection.pending_requests'), 4);
  assert.deepEqual(
    points(receiver, 'db.client.connection.count').map((point) => [point.attributes['db.client.connection.state'], point.value]),
    [
      ['used', 2],
      ['idle', 1],
    ],
  );
  assert.equal(lost(receiver, 'log_lines', 'queue_full'), 3);
  assert.ok(value('process.memory.usage') > 20e6);
  assert.ok(value('process.uptime') > 0);
  const cpu = points(receiver, 'process.cpu.time').map((point) => point.value ?? 0);
  assert.ok(cpu.reduce((sum, each) => sum + each) > 0.1);
  assert.ok(points(receiver, 'process.cpu.time').every((point) => point.monotonic && point.temporality === 2 && point.type === 'sum'));
  assert.equal(points(receiver, 'http.server.active_requests')[0]?.monotonic, false);
  assert.ok(value('nodejs.eventloop.delay.max') >= value('nodejs.eventloop.delay.p50'));
  assert.ok(value('nodejs.eventloop.utilization') >= 0 && value('nodejs.eventloop.utilization') <= 1);
});

test('the resource says which function, version, revision and instance it is', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint, {
    OTEL_RESOURCE_ATTRIBUTES: 'k8s.namespace.name=record-platform,service.name=other,text=a%20b,broken',
  });
  telemetry.requestEnded(callOf(), outcomeOf());
  await telemetry.shutdown(5_000);
  for (const resource of [receiver.spans[0]?.resource, last(receiver)[0]?.resource]) {
    assert.ok(resource);
    assert.equal(resource['service.name'], 'records-get-record');
    assert.equal(resource['service.namespace'], 'record-platform');
    assert.equal(resource['service.version'], '1.2.3');
    assert.equal(resource['faas.name'], 'records-get-record');
    assert.equal(resource['faas.version'], 'records-get-record-00007');
    assert.equal(resource.K_REVISION, 'records-get-record-00007');
    assert.match(String(resource['service.instance.id']), /^[0-9a-f-]{36}$/);
    assert.ok(resource['faas.instance']);
    assert.equal(resource['k8s.namespace.name'], 'record-platform');
    assert.equal(resource.text, 'a b');
  }
  assert.equal(receiver.spans[0]?.resource['service.instance.id'], last(receiver)[0]?.resource['service.instance.id']);
});

test('no metric has an attribute that its table does not name, and routes do not become series without bound', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint);
  for (let i = 0; i < 300; i++) {
    const call = callOf();
    telemetry.requestEnded({ ...call, spans: [statementOf(call)] }, outcomeOf({ route: `/api/records/${i}`, method: `M${i}` }));
    telemetry.requestEnded(callOf(), outcomeOf({ dialect: 'grpc', route: `/a.B/${i}` }));
  }
  await telemetry.shutdown(5_000);
  const named = new Map<string, readonly string[]>(
    Object.values(instruments).map((instrument) => [instrument.name, ['function', ...instrument.attributes]]),
  );
  for (const point of last(receiver)) {
    for (const name of Object.keys(point.attributes)) assert.ok(named.get(point.metric)?.includes(name), `${point.metric} ${name}`);
    assert.equal(point.attributes.function, 'records-get-record');
    assert.ok(!Object.values(point.attributes).includes('0190c7a3-7f5e-7c3a-9d4f-0123456789ab'));
  }
  assert.ok(points(receiver, 'http.server.request.duration').length + points(receiver, 'rpc.server.call.duration').length <= 52);
  assert.equal(total(receiver, 'http.server.request.duration'), 300);
  assert.equal(total(receiver, 'db.client.operation.duration'), 300);
});

test('while the collector is away nothing throws, one warning is logged, and what is lost is told when it is back', async () => {
  let away = true;
  const receiver = await receiverOf({ fails: () => away });
  const telemetry = telemetryOf(receiver.endpoint);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 10; i++) telemetry.requestEnded(callOf(), outcomeOf());
    await telemetry.flush(5_000);
  }
  assert.equal(receiver.spans.length, 0);
  assert.equal(telemetry.warnings.length, 1);
  assert.equal(telemetry.warnings[0]?.event, 'telemetry cannot be exported');
  away = false;
  telemetry.requestEnded(callOf(), outcomeOf());
  await telemetry.shutdown(5_000);
  assert.equal(receiver.spans.length, 1);
  assert.equal(total(receiver, 'http.server.request.duration'), 31, 'metrics lose nothing: they are cumulative');
  assert.equal(lost(receiver, 'spans', 'export_failed'), 30);
  assert.equal(lost(receiver, 'spans', 'queue_full'), 0);
  assert.equal(telemetry.warnings.length, 1);
});

test('nobody listens at the endpoint: flush and shutdown come back soon, without an error', async () => {
  const gone = await startOtlpReceiver();
  await gone.stop();
  const telemetry = telemetryOf(gone.endpoint);
  telemetry.requestEnded(callOf(), outcomeOf());
  const began = performance.now();
  await telemetry.flush(2_000);
  await telemetry.shutdown(2_000);
  assert.ok(performance.now() - began < 4_500);
  assert.equal(telemetry.warnings.length, 1);
});

test('a collector that takes connections and says nothing holds shutdown up no longer than its bound', async () => {
  const sockets = new Set<{ destroy(): void }>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  assert.ok(address !== null && typeof address === 'object');
  const telemetry = telemetryOf(`http://127.0.0.1:${address.port}`, { OTEL_EXPORTER_OTLP_TIMEOUT: '1000' });
  telemetry.requestEnded(callOf(), outcomeOf());
  await telemetry.flush(1); // loads the exporter, so that only the silence is measured
  const began = performance.now();
  await telemetry.shutdown(300);
  const took = performance.now() - began;
  assert.ok(took > 250 && took < 900, `${took} ms`);
  silent.close();
  for (const socket of sockets) socket.destroy();
});

test('spans beyond the queue are dropped and counted, and requests are all counted', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint, { OTEL_BSP_MAX_QUEUE_SIZE: '20', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '20' });
  await telemetry.flush(5_000);
  for (let i = 0; i < 100; i++) telemetry.requestEnded(callOf(), outcomeOf());
  await telemetry.shutdown(5_000);
  assert.equal(total(receiver, 'http.server.request.duration'), 100);
  const dropped = lost(receiver, 'spans', 'queue_full') ?? 0;
  assert.equal(receiver.spans.length + dropped, 100);
  assert.ok(dropped > 0);
});

test('what has been sent makes room in the queue', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint, { OTEL_BSP_MAX_QUEUE_SIZE: '20', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '20' });
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 15; i++) telemetry.requestEnded(callOf(), outcomeOf());
    await telemetry.flush(5_000);
  }
  await telemetry.shutdown(5_000);
  assert.equal(receiver.spans.length, 45);
  assert.equal(lost(receiver, 'spans', 'queue_full'), 0);
});

test('requests beyond what can wait for the exporter are dropped and counted', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint, { OTEL_TRACES_EXPORTER: 'none' });
  for (let i = 0; i < 5_000; i++) telemetry.requestEnded(callOf(), outcomeOf());
  await telemetry.shutdown(5_000);
  assert.equal(total(receiver, 'http.server.request.duration'), 4_096);
  assert.equal(lost(receiver, 'requests', 'queue_full'), 904);
  assert.equal(receiver.spans.length, 0);
});

test('after shutdown nothing more is taken, and a second shutdown is quiet', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint);
  telemetry.requestEnded(callOf(), outcomeOf());
  await telemetry.shutdown(5_000);
  const { length } = receiver.pushes;
  telemetry.requestEnded(callOf(), outcomeOf());
  await telemetry.flush(1_000);
  await telemetry.shutdown(1_000);
  assert.equal(receiver.pushes.length, length);
  assert.equal(receiver.spans.length, 1);
  assert.deepEqual(telemetry.warnings, []);
});

test('it sends by itself, a second after the first answer and then at its intervals', async () => {
  const receiver = await receiverOf();
  const telemetry = telemetryOf(receiver.endpoint, { OTEL_METRIC_EXPORT_INTERVAL: '200', OTEL_BSP_SCHEDULE_DELAY: '100' });
  telemetry.requestEnded(callOf(), outcomeOf());
  for (let waited = 0; waited < 10_000 && (receiver.spans.length < 1 || receiver.pushes.length < 2); waited += 50)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(receiver.spans.length, 1);
  assert.ok(receiver.pushes.length >= 2);
  assert.equal(total(receiver, 'http.server.request.duration'), 1);
  await telemetry.shutdown(5_000);
});

const run = promisify(execFile);
async function loadedIn(source: string): Promise<string[]> {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ load(url, context, next) { loaded.add(url); return next(url, context); } });
    const { createTelemetry } = await import(${JSON.stringify(new URL('telemetry.ts', import.meta.url).href)});
    const make = (endpoint) => createTelemetry({ endpoint, functionName: 'f', revision: '', version: '1', log: { warn() {}, dropped: 0 }, environment: {} });
    const call = { requestId: 'r', traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true, startedAt: 0, spans: [] };
    const outcome = { dialect: 'http/2', method: 'GET', route: '/livez', status: 200, code: 'OK', seconds: 0.001, requestBytes: 0, responseBytes: 2 };
    ${source}
    console.log(JSON.stringify([...loaded].filter((url) => /telemetry-export|metrics|opentelemetry|prom-client|grpc-js/.test(url))));
    process.exit(0);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  return JSON.parse(stdout) as string[];
}

test('without an endpoint nothing of the exporter is loaded, whatever is asked', async () => {
  const loaded = await loadedIn(`
    const telemetry = make('');
    telemetry.watch({ inFlight: () => 1 });
    telemetry.requestEnded(call, outcome);
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    await telemetry.flush(100);
    await telemetry.shutdown(100);
    if (telemetry.enabled) throw new Error('enabled');`);
  assert.deepEqual(loaded, []);
});

test('with an endpoint nothing is loaded before the first answer, nor when none was given', async () => {
  assert.deepEqual(
    await loadedIn(`
      const idle = make('http://127.0.0.1:9');
      await idle.shutdown(100);
      make('http://127.0.0.1:9').requestEnded(call, outcome);
      await new Promise(setImmediate);`),
    [],
  );
  const loaded = await loadedIn(
    `const telemetry = make('http://127.0.0.1:9'); telemetry.requestEnded(call, outcome); await telemetry.flush(3_000);`,
  );
  assert.ok(loaded.some((url) => url.endsWith('telemetry-export.ts')) && loaded.some((url) => url.includes('prom-client')));
});

const samplers: { name: string; environment: Environment; root: boolean; child: boolean; orphan: boolean }[] = [
  { name: 'the default', environment: {}, root: true, child: true, orphan: false },
  {
    name: 'parentbased_always_off',
    environment: { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
    root: false,
    child: true,
    orphan: false,
  },
  { name: 'always_on', environment: { OTEL_TRACES_SAMPLER: 'always_on' }, root: true, child: true, orphan: true },
  { name: 'always_off', environment: { OTEL_TRACES_SAMPLER: 'always_off' }, root: false, child: false, orphan: false },
];
for (const { name, environment, root, child, orphan } of samplers)
  test(`the sampler follows OTEL_TRACES_SAMPLER: ${name}`, () => {
    const telemetry = telemetryOf('http://127.0.0.1:9', environment);
    const decided = [undefined, true, false].map((parent) => telemetry.samples(newTraceId(), parent));
    assert.deepEqual(decided, [root, child, orphan]);
  });

test('a ratio keeps its share of the roots, and decides alike for one trace id', () => {
  const environment = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' };
  const one = telemetryOf('http://127.0.0.1:9', environment);
  const other = telemetryOf('http://127.0.0.1:9', environment);
  const ids = Array.from({ length: 10_000 }, newTraceId);
  const kept = ids.filter((id) => one.samples(id, undefined));
  assert.ok(Math.abs(kept.length - 2_500) < 250, `${kept.length} of 10000`);
  assert.ok(kept.every((id) => other.samples(id, undefined)));
});

const wrong: { name: string; endpoint: string; environment: Environment; says: RegExp }[] = [
  { name: 'an endpoint without a scheme', endpoint: 'collector:4317', environment: {}, says: /OTEL_EXPORTER_OTLP_ENDPOINT must be/ },
  {
    name: 'an endpoint with a path',
    endpoint: 'http://collector:4318/v1/traces',
    environment: {},
    says: /OTEL_EXPORTER_OTLP_ENDPOINT must be/,
  },
  {
    name: 'another protocol',
    endpoint: 'http://c:4317',
    environment: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    says: /PROTOCOL must be grpc/,
  },
  {
    name: 'a sampler nobody knows',
    endpoint: 'http://c:4317',
    environment: { OTEL_TRACES_SAMPLER: 'some' },
    says: /OTEL_TRACES_SAMPLER must be/,
  },
  {
    name: 'a ratio above one',
    endpoint: 'http://c:4317',
    environment: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
    says: /_ARG must be a number from 0 to 1/,
  },
];
for (const { name, endpoint, environment, says } of wrong)
  test(`the process dies at the door of ${name}`, () => {
    assert.throws(() => telemetryOf(endpoint, environment), says);
  });

for (const environment of [{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }])
  test(`telemetry can be switched off by ${Object.keys(environment)[0]}`, () => {
    assert.equal(telemetryOf('http://127.0.0.1:9', environment).enabled, false);
  });
