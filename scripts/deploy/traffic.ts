/** Where a part of a function's requests goes, as Knative has it in spec.traffic. */
export interface Target {
  readonly revisionName?: string;
  readonly latestRevision?: boolean;
  readonly percent?: number;
  readonly tag?: string;
}

/** A function's Knative Service, as far as traffic is concerned. */
export interface ServiceState {
  readonly name: string;
  readonly traffic: readonly Target[];
  /** The newest that was made from its template, ready or not. */
  readonly latestCreated: string | undefined;
  readonly latestReady: string | undefined;
}

export const canaryTag = 'canary';

/** follows: the newest revision gets everything, as it comes. canary: two share. pinned: one has everything, and new ones get nothing. */
export type Mode =
  | { readonly kind: 'follows' }
  | { readonly kind: 'canary'; readonly stable: string; readonly canary: string; readonly percent: number }
  | { readonly kind: 'pinned'; readonly revision: string };

export function modeOf({ traffic, latestReady }: ServiceState): Mode {
  const canary = traffic.find(({ tag }) => tag === canaryTag);
  const others = traffic.filter((target) => target !== canary && (target.percent ?? 0) > 0);
  const largest = [...others].sort((a, b) => (b.percent ?? 0) - (a.percent ?? 0))[0];
  if (canary !== undefined) {
    const name = canary.revisionName ?? latestReady ?? '';
    return { kind: 'canary', stable: largest?.revisionName ?? latestReady ?? '', canary: name, percent: canary.percent ?? 0 };
  }
  if (largest === undefined || others.some(({ latestRevision }) => latestRevision === true)) return { kind: 'follows' };
  return { kind: 'pinned', revision: largest.revisionName ?? '' };
}

/** Everything to the newest, now and later. */
export const following = (): Target[] => [{ latestRevision: true, percent: 100 }];
export const pinned = (revisionName: string): Target[] => [{ revisionName, percent: 100 }];
/** The canary can also be asked by its tag's own name. */
export const split = (stable: string, canary: string, percent: number): Target[] => [
  { revisionName: stable, percent: 100 - percent },
  { revisionName: canary, percent, tag: canaryTag },
];

/** A revision, as a rollback sees it. */
export interface Revision {
  readonly name: string;
  /** Of its Service's template: later ones are larger. */
  readonly generation: number;
  /** False where it never came up. */
  readonly usable: boolean;
}

/**
 * Where a rollback goes: from a canary to what was there before it, else to the newest usable revision before the one that has the traffic.
 * @returns undefined where there is none
 */
export function rollbackTo(state: ServiceState, revisions: readonly Revision[]): string | undefined {
  const mode = modeOf(state);
  if (mode.kind === 'canary') return mode.stable;
  const now = mode.kind === 'pinned' ? mode.revision : state.latestReady;
  const generation = revisions.find(({ name }) => name === now)?.generation ?? Number.POSITIVE_INFINITY;
  return [...revisions].filter((each) => each.usable && each.generation < generation).sort((a, b) => b.generation - a.generation)[0]?.name;
}

/** The kn command that sets the same traffic. */
export function knTraffic(namespace: string, name: string, traffic: readonly Target[], before: Mode): string {
  const words = ['kn', '-n', namespace, 'service', 'update', name];
  if (before.kind === 'canary' && !traffic.some(({ tag }) => tag !== undefined)) words.push('--untag', canaryTag);
  for (const { revisionName, tag } of traffic) if (tag !== undefined) words.push('--tag', `${revisionName}=${tag}`);
  for (const { revisionName, percent } of traffic) words.push('--traffic', `${revisionName ?? '@latest'}=${percent}`);
  return words.join(' ');
}
