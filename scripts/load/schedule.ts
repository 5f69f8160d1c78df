/** A stretch of time in which the rate goes evenly from one value to another. */
export interface Phase {
  readonly seconds: number;
  /** Requests a second. */
  readonly from: number;
  readonly to: number;
}

/** When requests are due: so many at once at the beginning, then phases one after the other. */
export interface Schedule {
  readonly burst: number;
  readonly phases: readonly Phase[];
}

export const secondsOf = ({ phases }: Schedule): number => phases.reduce((sum, { seconds }) => sum + seconds, 0);

/** How many requests a schedule asks for. */
export const plannedCount = ({ burst, phases }: Schedule): number =>
  burst + Math.floor(phases.reduce((sum, { seconds, from, to }) => sum + (seconds * (from + to)) / 2, 0) + 1e-9);

/** The rate that is asked for at a time. @param at seconds from the beginning @returns requests a second */
export function plannedRate({ phases }: Schedule, at: number): number {
  let rest = at;
  for (const { seconds, from, to } of phases) {
    if (rest <= seconds) return rest < 0 ? 0 : from + ((to - from) * rest) / seconds;
    rest -= seconds;
  }
  return 0;
}

/** How many requests are due until a time. @param at seconds from the beginning */
export function plannedBy({ burst, phases }: Schedule, at: number): number {
  if (at < 0) return 0;
  let rest = at;
  let count = burst;
  for (const { seconds, from, to } of phases) {
    const within = Math.min(Math.max(rest, 0), seconds);
    count += within * from + ((to - from) * within * within) / (2 * seconds);
    rest -= seconds;
  }
  return count;
}
