import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { upstreamVariable } from '../../caddy/routes.ts';
import { caddy } from '../tools/caddy.ts';
import { assertPortFree, freePort, type Part, startPart } from './part.ts';

export interface CaddyOptions {
  /** Where its CA, log and pid live: <folder>/caddy, <folder>/ca/root.crt, <folder>/log, <folder>/run. */
  readonly folder: string;
  /** TCP and UDP; 0 or none: any free one. */
  readonly port?: number;
  /** Function name → host:port. Every function of the contract must have one. */
  readonly upstreams: Readonly<Record<string, string>>;
  /** The Caddyfile, where it isn't the committed one. */
  readonly config?: string;
  /** More of what the Caddyfile reads from its environment: { EDGE_IN_FLIGHT_MAX: '900' } */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Caddy extends Part {
  /** The root of its own CA, PEM: what a client trusts instead of -k. */
  readonly rootCertificate: string;
}

const portSetting = 'RECORD_PLATFORM_EDGE_PORT';
const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/**
 * Starts Caddy 2.11 with caddy/Caddyfile on 127.0.0.1, for record.local, in front of the functions. The CA is made at the first time
 * and kept. Ready in about 0.2 s.
 * @throws Remedy
 */
export async function startCaddy({
  folder,
  port,
  upstreams,
  config = file('caddy/Caddyfile'),
  environment = {},
}: CaddyOptions): Promise<Caddy> {
  const storage = join(folder, 'caddy');
  mkdirSync(storage, { recursive: true, mode: 0o700 });
  const chosen = port || (await freePort());
  assertPortFree(chosen, portSetting, 'udp');
  const part = await startPart({
    name: 'caddy',
    command: [await caddy(), 'run', '--adapter', 'caddyfile', '--config', config],
    environment: {
      PATH: '/usr/bin:/bin',
      // Whatever it would keep for itself stays in its own folder.
      HOME: storage,
      EDGE_STORAGE: storage,
      EDGE_PORT: String(chosen),
      EDGE_OPENAPI: file('proto/generated'),
      ...Object.fromEntries(Object.entries(upstreams).map(([name, address]) => [upstreamVariable(name), address])),
      ...environment,
    },
    folder,
    port: chosen,
    portSetting,
    stopSignal: 'SIGTERM',
    stopWithinMs: 8_000,
    ready: () => healthy(chosen),
    readyWithinMs: 15_000,
  });
  const rootCertificate = join(folder, 'ca/root.crt');
  const made = join(storage, 'pki/authorities/local/root.crt');
  mkdirSync(join(folder, 'ca'), { recursive: true, mode: 0o755 });
  if (existsSync(made)) copyFileSync(made, rootCertificate);
  return { ...part, rootCertificate };
}

/** Asks the edge's own /healthz; whom the certificate is from is not the question here. */
function healthy(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: '/healthz',
      servername: 'record.local',
      rejectUnauthorized: false,
      agent: false,
      timeout: 1000,
    };
    const call = request({ ...options, headers: { host: `record.local:${port}` } }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('error', () => resolve(false));
    call.once('timeout', () => call.destroy());
    call.end();
  });
}
