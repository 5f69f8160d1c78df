import type { Kubectl } from '../../scripts/deploy/kubectl.ts';

/** Envoy's counters of what its breakers refused: connections, requests, and those that waited for a connection. */
const counters = ['upstream_cx_overflow', 'upstream_rq_pending_overflow', 'upstream_cx_pool_overflow'];
/** Where Kourier's gateway tells its figures. */
const statsPort = 9000;

/** @returns how many requests Envoy's breakers have refused since the gateways started */
export async function refusedByBreakers(kubectl: Kubectl): Promise<number> {
  const gateways = await kubectl.list('pods', 'kourier-system', 'app=3scale-kourier-gateway');
  const texts = await Promise.all(
    gateways.map(async ({ status }) => (await fetch(`http://${status.podIP}:${statsPort}/stats/prometheus`)).text()),
  );
  const lines = new RegExp(`^envoy_cluster_(?:${counters.join('|')})\\{[^}]*record-platform/[^}]*\\} (\\d+)$`, 'gm');
  return texts.flatMap((text) => [...text.matchAll(lines)]).reduce((sum, [, value]) => sum + Number(value), 0);
}
