import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { send } from './sender.ts';

test('a request that cannot be made ends the sending with its error, instead of waiting for ever', { timeout: 120_000 }, async () => {
  const silent = net.createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as net.AddressInfo;
  try {
    await assert.rejects(
      send({
        edge: {
          host: 'record.local',
          origin: `https://record.local:${port}`,
          address: '127.0.0.1',
          port,
          caFile: '/dev/null',
          ca: '',
        } as never,
        schedule: { burst: 0, phases: [{ seconds: 60, from: 10, to: 10 }] },
        timeoutSeconds: 30,
        inFlightMax: 10,
        next: () => {
          throw new Error('no such field');
        },
        onBegin: () => {},
        onAnswer: () => {},
        signal: new AbortController().signal,
      }),
      /no such field/,
    );
  } finally {
    silent.close();
  }
});
