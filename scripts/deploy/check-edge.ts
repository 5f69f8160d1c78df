import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Remedy } from '../tools/install.ts';

/** Where the edge is asked. */
export interface EdgeAddress {
  /** The name in its certificate: "record.local". */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** PEM; without it the system's roots are used. */
  readonly ca: string | undefined;
}

/** A function may be at zero, and a cold one on a busy machine takes seconds. */
const askMs = 20_000;
const tries = 5;

/**
 * Asks the edge for itself, for each package's health (which asks the database) and for the keys that verify tokens.
 * @returns what was asked, with how long it took
 * @throws Remedy with the answer that wasn't right
 */
export async function checkEdge(address: EdgeAddress): Promise<{ path: string; milliseconds: number }[]> {
  const checks: { path: string; good: (body: string) => boolean }[] = [
    { path: '/healthz', good: (body) => body.includes('ok') },
    { path: '/api/auth/healthz', good: (body) => JSON.parse(body).healthy === true },
    { path: '/api/records/healthz', good: (body) => JSON.parse(body).healthy === true },
    { path: '/.well-known/jwks.json', good: (body) => JSON.parse(body).keys.length > 0 },
  ];
  const seen: { path: string; milliseconds: number }[] = [];
  for (const { path, good } of checks) {
    for (let tried = 1; ; tried += 1) {
      const start = performance.now();
      const answer = await get(address, path).catch((error: Error) => error);
      if (!(answer instanceof Error) && answer.status === 200 && good(answer.body)) {
        seen.push({ path, milliseconds: Math.round(performance.now() - start) });
        break;
      }
      if (tried === tries) {
        const said = answer instanceof Error ? answer.message : `${answer.status} ${answer.body.slice(0, 300)}`;
        throw new Remedy(
          `https://${address.name}:${address.port}${path} (at ${address.host}) answered: ${said}\n` +
            'See: kubectl -n record-platform-edge logs deployment/edge; kubectl -n record-platform get ksvc',
        );
      }
      await sleep(1000);
    }
  }
  return seen;
}

function get({ name, host, port, ca }: EdgeAddress, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${name}:${port}` };
    const call = request({ host, port, path, servername: name, ca, headers, agent: false, timeout: askMs }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${askMs / 1000} s`))).on('error', reject);
    call.end();
  });
}
