import type { PlatformFunction } from './read-functions.ts';

/** The namespace of the functions. What they use has its own: databases' and edge's secrets can't be mounted here. */
export const functionsNamespace = 'record-platform';

/** queue-proxy goes on taking requests for that long after SIGTERM, so that every proxy has heard; only then it lets the function have its signal. */
const queueDrainSeconds = 30;
/** functions/runtime/config.ts: DRAIN_SECONDS. */
const functionDrainSeconds = 25;
/** To send telemetry and exit. */
const exitSeconds = 5;
/** Knative allows no more (config-defaults: max-revision-timeout-seconds). */
const timeoutSecondsMax = 600;

const port = 8080;

/** The Secret of a package: DATABASE_URL and the keys that its functions read. */
export const secretName = (packageName: string): string => `${packageName}-secrets`;
/** A pod's identity is its package's, as its database role is. It has no token and no rights. */
export const serviceAccountName = (packageName: string): string => `${packageName}-functions`;
/** What overlays and `npm run deploy` replace by an exact image. */
export const imageName = (name: string): string => `record-platform/${name}`;

export const labelsOf = (name: string, component: string): Record<string, string> => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/component': component,
  'app.kubernetes.io/part-of': 'record-platform',
});

/**
 * One Knative Service, from a function's limits. The file fits both `kubectl apply --server-side` and `kn service apply -f`:
 * - The container has no name: kn drops one, and would make a new revision with each apply. Knative gives it its own.
 * - Every default of a probe is spelled out, because kn compares what it sends with what is there.
 * - It says nothing of revision names and traffic, so a canary's split stays as it is when the file is applied.
 *
 * There are no volumes: each costs 0.3 s of a cold start. Configuration is environment, and what rotates is a new revision.
 */
export function renderService({ name, package: packageName, limits, secrets }: PlatformFunction): object {
  // The function itself answers when its time is over, and says more. Knative's own limit is also the pod's grace time.
  const timeoutSeconds = Math.max(limits.timeoutSeconds + exitSeconds, queueDrainSeconds + functionDrainSeconds + exitSeconds);
  if (timeoutSeconds > timeoutSecondsMax)
    throw new Error(
      `${name}: timeoutSeconds ${limits.timeoutSeconds} is too long: Knative allows ${timeoutSecondsMax} s. Make it shorter.`,
    );
  const labels = labelsOf(name, 'function');
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: functionsNamespace,
      // Reached by the edge alone: no route on Kourier's outer gateway.
      labels: { ...labels, 'networking.knative.dev/visibility': 'cluster-local' },
    },
    spec: {
      template: {
        metadata: {
          labels,
          annotations: {
            'autoscaling.knative.dev/min-scale': String(limits.scaleMin),
            'autoscaling.knative.dev/max-scale': String(limits.scaleMax),
          },
        },
        spec: {
          serviceAccountName: serviceAccountName(packageName),
          automountServiceAccountToken: false,
          // Variables for every service of the namespace would make each start slower, the more functions there are.
          enableServiceLinks: false,
          containerConcurrency: limits.concurrency,
          timeoutSeconds,
          containers: [
            {
              image: imageName(name),
              // Knative gives a container one port; its name says that the hop before it speaks HTTP/2 without TLS.
              ports: [{ name: 'h2c', containerPort: port, protocol: 'TCP' }],
              env: secrets.map((variable) => ({
                name: variable,
                valueFrom: { secretKeyRef: { name: secretName(packageName), key: variable } },
              })),
              resources: {
                // No limit on CPU: a throttled start is a slow one, and the requests share out what there is under load.
                requests: { cpu: `${limits.cpuMilli}m`, memory: `${limits.memoryMib}Mi` },
                limits: { memory: `${limits.memoryMib}Mi` },
              },
              // queue-proxy asks in HTTP/1.1, also on an h2c port; the function answers both. Neither probe asks the database.
              readinessProbe: probe('/readyz', { periodSeconds: 1, failureThreshold: 3 }),
              livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 3 }),
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
      },
    },
  };
}

const probe = (path: string, pace: { periodSeconds: number; failureThreshold: number }) => ({
  httpGet: { path, port, scheme: 'HTTP' },
  ...pace,
  successThreshold: 1,
  timeoutSeconds: 1,
});
