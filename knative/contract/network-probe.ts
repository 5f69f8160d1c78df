import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from '../../scripts/deploy/kubectl.ts';
import { nodePath } from '../images/contents.ts';
import type { Manifest } from '../manifests/render.ts';

/** A place in the network, and what to say there after connecting. */
export interface Door {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** A path that is asked for by HTTPS without an identity; "postgres" asks to log in without one. */
  readonly ask?: `/${string}` | 'postgres';
}

/** What a pod found at a door. */
export interface Found {
  readonly name: string;
  /** Whether a TCP connection came to be. */
  readonly open: boolean;
  /** "ECONNREFUSED", "timeout" … where it is closed; what the other side said where it was asked something. */
  readonly said: string;
}

/** Runs in the pod, by Node alone: tries all doors at once, and prints what it found. */
const script = `
const net = require('node:net'), https = require('node:https');
const doors = JSON.parse(process.argv[1]);
const withinMs = 4000;
const connect = ({ host, port, ask }) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout: withinMs });
  const end = (open, said) => { socket.destroy(); resolve({ open, said }); };
  socket.on('timeout', () => end(socket.bytesWritten > 0, 'timeout')).on('error', (error) => end(false, error.code));
  socket.on('connect', () => {
    if (ask !== 'postgres') return end(true, '');
    const words = Buffer.from('user\\0postgres\\0database\\0record_platform\\0\\0');
    const head = Buffer.alloc(8);
    head.writeInt32BE(words.length + 8, 0);
    head.writeInt32BE(196608, 4);
    socket.write(Buffer.concat([head, words]));
    socket.on('data', (bytes) => end(true, bytes[0] === 82 ? 'authentication ' + bytes.readInt32BE(5) : 'message ' + String.fromCharCode(bytes[0])));
  });
});
const askHttps = ({ host, port, ask: path }) => new Promise((resolve) => {
  const call = https.request({ host, port, path, rejectUnauthorized: false, agent: false, timeout: withinMs }, (answer) => {
    answer.resume();
    resolve({ open: true, said: String(answer.statusCode) });
  });
  call.on('timeout', () => call.destroy(Object.assign(new Error(), { code: 'timeout' })));
  call.on('error', (error) => resolve({ open: !/ECONNREFUSED|timeout|UNREACH/.test(error.code ?? ''), said: String(error.code) }));
  call.end();
});
Promise.all(doors.map(async (door) => ({ name: door.name, ...(await (door.ask?.startsWith('/') ? askHttps(door) : connect(door))) })))
  .then((found) => console.log(JSON.stringify(found)));
`;

/**
 * Starts a pod as the manifests would have it, lets it knock at doors, and removes it.
 * @param image that of any function: it has Node
 * @throws Error with the pod's state where it doesn't come to its end
 */
export async function probe(
  kubectl: Kubectl,
  { namespace, name, labels, image }: { namespace: string; name: string; labels: Record<string, string>; image: string },
  doors: readonly Door[],
): Promise<Found[]> {
  const pod: Manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'probe',
          image,
          command: [nodePath, '-e', script],
          args: [JSON.stringify(doors)],
          resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '128Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            seccompProfile: { type: 'RuntimeDefault' },
          },
        },
      ],
    },
  };
  const remove = () => kubectl.run(['-n', namespace, 'delete', 'pod', name, '--ignore-not-found', '--wait=true', '--timeout=60s']);
  await remove();
  try {
    await kubectl.apply([pod]);
    for (const end = performance.now() + 90_000; ; await sleep(300)) {
      const phase = (await kubectl.get('pod', name, namespace))?.status?.phase;
      const over = phase === 'Succeeded' || phase === 'Failed';
      const log = over ? await kubectl.run(['-n', namespace, 'logs', name]) : '';
      if (phase === 'Succeeded') return JSON.parse(log) as Found[];
      if (over || performance.now() > end) throw new Error(`the pod ${namespace}/${name} is ${phase}: ${log.slice(-1000)}`);
    }
  } finally {
    await remove();
  }
}
