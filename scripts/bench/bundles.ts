import { build, firstKibMax, folderKibMax } from '../build/build.ts';
import { type Ratio, rounded } from './ratios.ts';

/** The largest bundle, and the most that one loads before its first answer: JavaScript, without native addons and compiled code. */
export async function benchBundles(): Promise<Record<string, Ratio>> {
  const built = await build();
  const raw = built.map(({ name, totalKib, firstKib }) => ({ name, totalKib: rounded(totalKib, 1), firstKib: rounded(firstKib, 1) }));
  const peer = 'no peer: the largest of all functions';
  return {
    bundle_kib: { value: Math.max(...raw.map((one) => one.totalKib)), goal: `<=${folderKibMax}`, unit: 'KiB', peer, raw },
    bundle_first_kib: { value: Math.max(...raw.map((one) => one.firstKib)), goal: `<=${firstKibMax}`, unit: 'KiB', peer, raw },
  };
}
