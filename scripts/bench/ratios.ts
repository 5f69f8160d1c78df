/** One figure of a bench: `value` against `peer`, both measured in the same run, alternating. */
export interface Ratio {
  readonly value: number;
  /** ">=0.9", "<=1.5"; "-" where the figure is only reported. */
  readonly goal: string;
  /** What it is held against, in words. */
  readonly peer: string;
  /** For figures that are no ratio: "KiB", "ms", "TPS". */
  readonly unit?: string;
  /** Every measurement, as it came. */
  readonly raw: unknown;
}

export type Ratios = Readonly<Record<string, Ratio>>;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
};

export const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits));

/** The peer's figure over ours, pair by pair, and of these the median: what slows the machine for some seconds is in both halves of a pair. */
export const pairedRatio = <T>(raw: { ours: readonly T[]; peers: readonly T[] }, figure: (measured: T) => number): number =>
  rounded(median(raw.ours.map((ours, index) => figure(raw.peers[index] as T) / figure(ours))));

/** Whether a figure is where it should be. */
export function meets(ratio: Ratio): boolean {
  const [, comparison, bound] = /^(>=|<=)([\d.]+)$/.exec(ratio.goal) ?? [];
  if (comparison === undefined) return true;
  return comparison === '>=' ? ratio.value >= Number(bound) : ratio.value <= Number(bound);
}

/**
 * Measures two things in turn, the first of each pair changing, so that a drift of the machine is in both.
 * @param rounds how many measurements of each.
 */
export async function alternate<T>(rounds: number, ours: () => Promise<T>, peers: () => Promise<T>): Promise<{ ours: T[]; peers: T[] }> {
  const result: { ours: T[]; peers: T[] } = { ours: [], peers: [] };
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      result.ours.push(await ours());
      result.peers.push(await peers());
    } else {
      result.peers.push(await peers());
      result.ours.push(await ours());
    }
  }
  return result;
}
