import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTraceparent, newSpanId, newTraceId, parseTraceparent, requestIdFrom } from './trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

const valid: { name: string; header: string; sampled: boolean }[] = [
  { name: 'a sampled parent', header: `00-${traceId}-${spanId}-01`, sampled: true },
  { name: 'a parent that is not sampled', header: `00-${traceId}-${spanId}-00`, sampled: false },
  { name: 'flags that we do not know beside the sampled one', header: `00-${traceId}-${spanId}-ff`, sampled: true },
  { name: 'unknown flags alone', header: `00-${traceId}-${spanId}-02`, sampled: false },
  { name: 'a later version', header: `cc-${traceId}-${spanId}-01`, sampled: true },
  { name: 'a later version with more fields', header: `cc-${traceId}-${spanId}-01-what-the-future-brings`, sampled: true },
];
for (const { name, header, sampled } of valid)
  test(`a traceparent is read: ${name}`, () => {
    assert.deepEqual(parseTraceparent(header), { traceId, parentSpanId: spanId, sampled });
  });

const invalid: { name: string; header: string | undefined }[] = [
  { name: 'no header', header: undefined },
  { name: 'an empty one', header: '' },
  { name: 'version ff', header: `ff-${traceId}-${spanId}-01` },
  { name: 'version 00 with more fields', header: `00-${traceId}-${spanId}-01-more` },
  { name: 'a later version with more, but no dash', header: `cc-${traceId}-${spanId}-01x` },
  { name: 'upper case', header: `00-${traceId.toUpperCase()}-${spanId}-01` },
  { name: 'a trace id of zeros', header: `00-${'0'.repeat(32)}-${spanId}-01` },
  { name: 'a span id of zeros', header: `00-${traceId}-${'0'.repeat(16)}-01` },
  { name: 'a short trace id', header: `00-${traceId.slice(1)}-${spanId}-01` },
  { name: 'a digit that is not hex', header: `00-${traceId.slice(1)}g-${spanId}-01` },
  { name: 'a missing flag', header: `00-${traceId}-${spanId}-` },
  { name: 'spaces around', header: ` 00-${traceId}-${spanId}-01` },
  { name: 'a line feed behind', header: `00-${traceId}-${spanId}-01\n` },
  { name: 'two joined by a comma', header: `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01` },
  { name: 'one of great length', header: `cc-${traceId}-${spanId}-01-${'x'.repeat(1000)}` },
];
for (const { name, header } of invalid)
  test(`a traceparent is left alone: ${name}`, () => {
    assert.equal(parseTraceparent(header), undefined);
  });

test('what is made is what is read', () => {
  for (const sampled of [true, false]) {
    const made = { traceId: newTraceId(), parentSpanId: newSpanId(), sampled };
    assert.deepEqual(parseTraceparent(makeTraceparent(made.traceId, made.parentSpanId, sampled)), made);
  }
});

test('ids have their form and do not come twice, also where the pool is filled again', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 20_000; i++) {
    const trace = newTraceId();
    const span = newSpanId();
    assert.match(trace, /^[0-9a-f]{32}$/);
    assert.match(span, /^[0-9a-f]{16}$/);
    seen.add(trace).add(span);
  }
  assert.equal(seen.size, 40_000);
});

test('the request id of the edge is kept', () => {
  const id = 'b9b7f1a0-3d5c-4f0e-9a51-0c1d2e3f4a5b';
  assert.equal(requestIdFrom(id), id);
});

for (const header of [
  undefined,
  '',
  'x',
  'b9b7f1a0-3d5c-4f0e-9a51-0c1d2e3f4a5',
  'b9b7f1a0-3d5c-4f0e-9a51-0c1d2e3f4a5b\n',
  '"}\n{"severity":"ERROR","message":"x","a":"',
]) {
  test(`a request id that is no UUID is replaced: ${JSON.stringify(header)}`, () => {
    const id = requestIdFrom(header);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual(id, requestIdFrom(header));
  });
}
