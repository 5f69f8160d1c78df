import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { buildBundles, startBundle } from '../../functions/testing/bundle.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../functions/testing/otlp-receiver.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { type Platform, startPlatform } from './platform.ts';

/** What the runtime's own tests can't see: whether what was left out of a bundle leaves the exporter whole. */
describe('every bundle with a Collector', { concurrency: 2 }, () => {
  let platform: Platform;
  let collector: OtlpReceiver;
  before(async () => {
    await buildBundles();
    [platform, collector] = await Promise.all([startPlatform(), startOtlpReceiver()]);
  });
  after(async () => {
    await collector?.stop();
    await platform?.drop();
  });

  for (const rpc of rpcs)
    test(`${rpc.functionName} sends its spans and metrics before it ends, and complains of nothing`, async () => {
      const bundle = await startBundle(rpc.functionName, {
        ...platform.environmentOf(rpc),
        K_REVISION: `${rpc.functionName}-00001`,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      });
      await fetch(`${bundle.origin}/nowhere`);
      assert.equal(await bundle.stop(), 0);
      assert.deepEqual(
        bundle.lines.filter(({ message }) => String(message).includes('telemetry')),
        [],
      );
      const own = ({ resource }: { resource: Readonly<Record<string, unknown>> }) => resource['service.name'] === rpc.functionName;
      assert.equal(collector.spans.filter(own).length, 1, 'one span of one request');
      const durations = collector.pushes.flat().filter((point) => own(point) && point.metric === 'http.server.request.duration');
      assert.equal(durations.at(-1)?.count, 1, 'one request is counted');
    });
});
