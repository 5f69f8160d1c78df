import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { serviceConfig } from './grpc.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function demo(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../demo.ts', import.meta.url)), ...args]);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A port on which nobody listens. */
function deadPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const anyCertificate = fileURLToPath(new URL('../../LICENSE', import.meta.url));

test('wrong usage ends with 2 and says what is right', async () => {
  for (const args of [['--frobnicate'], ['--url', 'not a url'], ['surplus']]) {
    const { code, stdout, stderr } = await demo(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /Usage: npm run demo/);
    assert.equal(stdout, '');
  }
});

test('--help is a result: it goes to stdout and ends with 0', async () => {
  const { code, stdout } = await demo('--help');
  assert.equal(code, 0);
  assert.match(stdout, /Usage: npm run demo/);
});

test('without a root certificate the demo says how to get one', async () => {
  const { code, stderr } = await demo('--ca', '/does/not/exist.crt');
  assert.equal(code, 1);
  assert.match(stderr, /no root certificate at \/does\/not\/exist\.crt.*npm start/s);
});

test('where nothing answers, the demo says to start the stack', async () => {
  const { code, stdout, stderr } = await demo('--url', `https://record.local:${await deadPort()}`, '--ca', anyCertificate);
  assert.equal(code, 1);
  assert.match(stderr, /Nothing answers at https:\/\/record\.local:\d+.*npm start/s);
  assert.equal(stdout, '');
});

test('the gRPC client tries again what changes nothing, and nothing else', () => {
  const named = JSON.parse(serviceConfig).methodConfig.flatMap((config: { name: { service: string; method: string }[] }) => config.name);
  const retried = (method: string) => named.some((name: { method: string }) => name.method === method);
  assert.ok(retried('GetRecord') && retried('SearchRecords'));
  for (const rpc of rpcs.filter(({ idempotency }) => idempotency !== 'NO_SIDE_EFFECTS')) assert.ok(!retried(rpc.name), rpc.path);
});
