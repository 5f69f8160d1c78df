import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Codec, HttpRule } from '../../functions/runtime/contract.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../functions/testing/otlp-receiver.ts';
import { HealthCheckRequest, HealthCheckResponse, HealthCheckResponse_ServingStatus } from '../../proto/generated/grpc/health/v1/health.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { connectHttp2, type Http2Client, http1 } from '../../scripts/protocol/clients.ts';
import { lockTables } from '../../scripts/protocol/locks.ts';
import { type Platform, startPlatform } from '../../scripts/protocol/platform.ts';
import { goodRequest, httpRequestOf, type Message } from '../../scripts/protocol/requests.ts';
import { freePort } from '../../scripts/stack/part.ts';
import { run } from '../../scripts/tools/install.ts';
import { buildImages, type Image } from '../images/build-images.ts';
import { type Container, start, type Unpacked, unpack, until } from '../images/testing.ts';
import { listeners, processFacts } from './process.ts';

/** Of nobody: no image knows it. */
const anyUid = 54_321;
const isRoot = process.getuid?.() === 0;

type PartialCodec = Codec<object> & { fromPartial(message: object): object };

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/**
 * Knative's runtime contract (knative/specs, specs/serving/runtime-contract.md), on each image as a container runtime would have it:
 * its own root, read-only, another user, no input. What the runtime does beyond that is in scripts/protocol, on the bundles.
 */
describe('Knative’s runtime contract', { timeout: 420_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'record-platform-contract-'));
  const images = new Map<string, Image>();
  let platform: Platform;
  let collector: OtlpReceiver;
  let first: Unpacked;

  before(async () => {
    for (const image of await buildImages(rpcs.map(({ functionName }) => functionName))) images.set(image.name, image);
    first = await unpack(images.values().next().value as Image, join(base, 'first'));
    [platform, collector] = await Promise.all([startPlatform(), startOtlpReceiver()]);
  });
  after(async () => {
    await collector?.stop();
    await platform?.drop();
    rmSync(base, { recursive: true, force: true });
  });

  /** Images differ in their last layer alone, so that one is unpacked over links to what the first image has below it. */
  async function unpacked(name: string): Promise<Unpacked> {
    const [below, own] = layersOf(name);
    assert.equal(below, layersOf(images.keys().next().value as string)[0], 'every function has the same layer below its own');
    const rootfs = join(base, name);
    await run(['cp', '--archive', '--link', first.rootfs, rootfs], 'Free some disk.');
    rmSync(join(rootfs, 'app'), { recursive: true });
    await run(['tar', '--extract', '--gzip', '--file', own, '--directory', rootfs], 'Build the image again.');
    return { ...first, rootfs };
  }

  function layersOf(name: string): [below: string, own: string] {
    const { layout, digest } = images.get(name) as Image;
    const blob = (id: string) => join(layout, 'blobs/sha256', id.slice('sha256:'.length));
    const { layers } = JSON.parse(readFileSync(blob(digest), 'utf8')) as { layers: { digest: string }[] };
    assert.equal(layers.length, 2);
    return [layers[0]?.digest ?? '', blob(layers[1]?.digest ?? '')];
  }

  for (const rpc of rpcs) {
    const name = rpc.functionName;
    describe(name, () => {
      const revision = { K_SERVICE: name, K_CONFIGURATION: name, K_REVISION: `${name}-00042` };
      let port: number;
      let container: Container;
      let http2: Http2Client;
      before(async () => {
        port = await freePort();
        const environment = {
          ...platform.environmentOf(rpc),
          ...revision,
          PORT: String(port),
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
        };
        container = await start(await unpacked(name), { environment, uid: anyUid });
        await until(() => accepts(port), container);
        http2 = connectHttp2(port);
      });
      after(async () => {
        http2?.close();
        await container?.stop('SIGKILL');
        rmSync(join(base, name), { recursive: true, force: true });
      });

      const lines = (): Record<string, unknown>[] =>
        container
          .output()
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line));
      const health = (service: string) => http2.grpc('/grpc.health.v1.Health/Check', HealthCheckRequest.encode({ service }).finish());

      test('listens at $PORT on every address and nowhere else, without input, with a read-only root, as any user', async () => {
        assert.deepEqual(listeners(container.pid), [{ address: '00000000', port }]);
        const facts = processFacts(container.pid);
        assert.deepEqual([facts.stdin, facts.rootIsReadOnly, facts.writable], ['/dev/null', true, []]);
        if (isRoot) assert.deepEqual([facts.uids, facts.capabilities.effective], [Array(4).fill(anyUid), 0n]);
        for (const line of lines()) assert.notEqual(line.severity, 'ERROR', JSON.stringify(line));
      });

      test('answers probes over HTTP/1.1, HTTP/2 and grpc.health', async () => {
        for (const path of ['/readyz', '/livez']) {
          const asked = { path, headers: { 'user-agent': 'kube-probe/1.34', 'k-network-probe': 'queue' } };
          for (const answer of [await http1(port, asked), await http2.ask(asked)]) assert.equal(answer.status, 200, answer.text);
        }
        for (const service of ['', rpc.service]) {
          const { code, message } = await health(service);
          assert.deepEqual([code, HealthCheckResponse.decode(message).status], [0, HealthCheckResponse_ServingStatus.SERVING], service);
        }
        assert.equal((await health('nobody.Knows')).code, 5, 'NOT_FOUND');
      });

      test('on SIGTERM takes nobody new, answers what is in flight, tells its revision to logs and Collector, and exits with 0', async () => {
        const account = await platform.newAccount();
        const authorization: Record<string, string> = rpc.access === 'CALLER' ? { authorization: `Bearer ${account.token}` } : {};
        const good = async (): Promise<Message> => {
          const recordId = rpc.request.fields.some((field) => field.name === 'record_id') ? await platform.newRecord(account) : '';
          return goodRequest(rpc, { ...(name === 'auth-refresh-token' ? await platform.newAccount() : account), recordId });
        };
        const request = httpRequestOf(rpc, rpc.http[0] as HttpRule, await good());
        const { request: codec } = (await rpc.codecs()) as unknown as { request: PartialCodec };
        const bytes = codec.encode(codec.fromPartial(await good())).finish();
        const locked = await lockTables(platform.database);
        try {
          const overHttp = http1(port, { ...request, headers: { ...request.headers, ...authorization } });
          const overGrpc = http2.grpc(rpc.path, bytes, authorization);
          await sleep(400);
          process.kill(container.pid, 'SIGTERM');
          for (let waited = 0; (await accepts(port)) && waited < 2_000; waited += 20) await sleep(20);
          assert.equal(await accepts(port), false, 'a probe, and anybody else, finds nobody');
          await locked.release();
          const answer = await overHttp;
          assert.equal(answer.status, rpc.successStatus, answer.text);
          assert.equal((await overGrpc).code, 0);
        } finally {
          await locked.release().catch(() => {});
        }
        assert.equal(await container.exited, 0, container.output());

        const said = lines();
        const order = ['listening', 'draining', 'stopped'].map((event) => said.findIndex(({ message }) => message === event));
        assert.ok(
          order.every((at, index) => at > (order[index - 1] ?? -1)),
          container.output(),
        );
        for (const line of said) assert.deepEqual([line.function, line.revision], [revision.K_SERVICE, revision.K_REVISION]);
        const own = ({ resource }: { resource: Readonly<Record<string, unknown>> }) => resource.K_REVISION === revision.K_REVISION;
        const [span, point] = [collector.spans.find(own), collector.pushes.flat().find(own)];
        for (const resource of [span?.resource, point?.resource])
          for (const [variable, value] of Object.entries({ ...revision, 'service.name': name })) assert.equal(resource?.[variable], value);
      });
    });
  }
});
