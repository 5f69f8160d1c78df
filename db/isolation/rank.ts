/**
 * How often a value of the first sample is below one of the second (ties count half): 0.5 where nothing tells them apart. It is the statistic
 * of Mann and Whitney over n·m; by chance alone it strays from 0.5 by sqrt((n + m + 1) / 12nm).
 */
export function shareBelow(first: readonly number[], second: readonly number[]): number {
  const sorted = [...second].sort((one, other) => one - other);
  let below = 0;
  for (const value of first) {
    const lower = count(sorted, (other) => other <= value);
    const equal = lower - count(sorted, (other) => other < value);
    below += sorted.length - lower + equal / 2;
  }
  return below / (first.length * second.length);
}

/** How many at the beginning of a sorted list fulfil a condition. */
function count(sorted: readonly number[], fulfils: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fulfils(sorted[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}
