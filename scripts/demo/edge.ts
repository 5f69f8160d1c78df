import { lookup } from 'node:dns/promises';
import { existsSync, readFileSync } from 'node:fs';

/** Where the API is, and what to trust there. Each protocol's client is made from this. */
export interface Edge {
  /** "https://record.local:8443" */
  readonly origin: string;
  /** The name that the certificate is for, and its port. */
  readonly host: string;
  readonly port: number;
  /** Where to connect: the host itself, or 127.0.0.1 where its name doesn't resolve. */
  readonly address: string;
  /** The root certificate to trust, PEM, and the file that holds it. */
  readonly ca: Buffer;
  readonly caFile: string;
}

/** What went wrong in words for the person at the terminal; printed without a stack. */
export class DemoFailed extends Error {}

/**
 * Finds the edge. `record.local` needs no line in the hosts file: without one, 127.0.0.1 is asked under that name.
 * @param url https://HOST:PORT
 * @param caFile PEM file with the root certificate to trust
 * @throws DemoFailed with what to do
 */
export async function findEdge(url: string, caFile: string): Promise<Edge> {
  const { protocol, origin, hostname, port } = new URL(url);
  if (protocol !== 'https:') throw new DemoFailed(`${url} must begin with https:// — the API is never spoken in the clear.`);
  if (!existsSync(caFile))
    throw new DemoFailed(
      `There is no root certificate at ${caFile}.\nStart the local stack first (npm start): it writes one. For another stack, name its root with --ca FILE.`,
    );
  const resolves = await lookup(hostname).then(
    () => true,
    () => false,
  );
  if (!resolves && !hostname.endsWith('.local')) throw new DemoFailed(`${hostname} has no address.`);
  return {
    origin,
    host: hostname,
    port: Number(port || 443),
    address: resolves ? hostname : '127.0.0.1',
    ca: readFileSync(caFile),
    caFile,
  };
}

/** "Nothing answers": the same words whichever client noticed. */
export const notRunning = (edge: Edge, cause: unknown): DemoFailed =>
  new DemoFailed(
    `Nothing answers at ${edge.origin} (${(cause as Error).message}).\nStart the local stack first, in another terminal: npm start`,
  );
