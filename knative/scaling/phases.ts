/** When things happened in one start from zero. Milliseconds since 1970; all on one machine, so that they can be compared. */
export interface Moments {
  /** The request was sent. */
  readonly asked: number;
  /** The pod existed: activator, autoscaler, Deployment and ReplicaSet had done their part. */
  readonly created: number;
  /** The kubelet was told of it: the scheduler had done its part. */
  readonly seen: number;
  /** Namespaces, cgroup and network were there. */
  readonly sandboxReady: number;
  /** containerd had started the function's container, and queue-proxy's after it. */
  readonly functionStarted: number;
  readonly queueStarted: number;
  /** The function's own line that it listens (Go: that it begins to). */
  readonly listening: number;
  /** The end of the answer. */
  readonly answered: number;
}

/** What a first request waits for, one after the other; milliseconds. Their sum is the whole. */
export interface Phases {
  readonly autoscaler: number;
  readonly scheduling: number;
  readonly sandbox: number;
  /** Both containers, the function's and queue-proxy's. */
  readonly containers: number;
  /** What the function still needed after that until it listened: it starts beside queue-proxy's container. */
  readonly process: number;
  /** queue-proxy's start and probe, the activator's probe, the request itself. */
  readonly answer: number;
}

export const phaseNames = [
  'autoscaler',
  'scheduling',
  'sandbox',
  'containers',
  'process',
  'answer',
] as const satisfies readonly (keyof Phases)[];

export function phasesOf(moments: Moments): Phases {
  const { asked, created, seen, sandboxReady, functionStarted, queueStarted, listening, answered } = moments;
  const started = Math.max(functionStarted, queueStarted);
  const listens = Math.max(started, listening);
  return {
    autoscaler: created - asked,
    scheduling: seen - created,
    sandbox: sandboxReady - seen,
    containers: started - sandboxReady,
    process: listens - started,
    answer: answered - listens,
  };
}

/** What the node's programs wrote while a pod started. */
export interface NodeLogs {
  /** kubelet's and containerd's own logs, as far as they may tell of this pod. */
  readonly kubelet: string;
  readonly containerd: string;
  /** The function's container's log, in CRI's form: time, stream, tag, line. */
  readonly function: string;
}

/**
 * Reads out of the logs when a pod's parts were there.
 * @param pod its name
 * @throws Error that names what no log tells
 */
export function readMoments(
  pod: string,
  { kubelet, containerd, function: own }: NodeLogs,
): Omit<Moments, 'asked' | 'created' | 'answered'> {
  const sandbox = new RegExp(
    `^time="([^"]+)".*RunPodSandbox for &PodSandboxMetadata\\{Name:${pod},.*returns sandbox id \\\\"(\\w+)\\\\"`,
    'm',
  ).exec(containerd);
  const sandboxReady = found(sandbox?.[1], 'containerd', 'the sandbox');
  const container = (name: string): number => {
    const made = new RegExp(
      `CreateContainer within sandbox \\\\"${sandbox?.[2]}\\\\" for &ContainerMetadata\\{Name:${name},Attempt:0,\\} returns container id \\\\"(\\w+)\\\\"`,
    ).exec(containerd);
    const started = new RegExp(`^time="([^"]+)".*StartContainer for \\\\"${made?.[1]}\\\\" returns successfully`, 'm').exec(containerd);
    return found(started?.[1], 'containerd', `the container ${name}`);
  };
  const seen = new RegExp(`^I(\\d\\d)(\\d\\d) (\\d+):(\\d+):(\\d+)\\.(\\d{3})\\d* .*"SyncLoop ADD".*/${pod}"`, 'm').exec(kubelet);
  if (seen === null) throw new Error(`kubelet's log tells nothing of ${pod}`);
  return {
    seen: klogTime(seen, new Date(sandboxReady).getFullYear()),
    sandboxReady,
    functionStarted: container('user-container'),
    queueStarted: container('queue-proxy'),
    listening: found(/^(\S+) .*(?:"message":"listening"|Hello world app started)/m.exec(own)?.[1], 'the function', 'its start'),
  };
}

/**
 * The time of a line of klog, which leaves the year out and writes local time.
 * @param found its month, day, hours, minutes, seconds and milliseconds, after the whole match
 */
export function klogTime(found: readonly string[], year: number): number {
  const [month = 1, ...rest] = found.slice(1).map(Number);
  return new Date(year, month - 1, ...(rest as [number, number, number, number, number])).getTime();
}

function found(time: string | undefined, who: string, what: string): number {
  if (time === undefined) throw new Error(`the log of ${who} tells nothing of ${what}`);
  return preciseTime(time);
}

/** "2026-11-26T15:53:17.753926673Z" → milliseconds with their fraction: Date alone cuts it off. */
export function preciseTime(text: string): number {
  const fraction = /\.\d{3}(\d+)/.exec(text)?.[1];
  return Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) + (fraction === undefined ? 0 : Number(`0.${fraction}`));
}
