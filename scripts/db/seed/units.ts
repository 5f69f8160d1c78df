import type { SeedAccount } from './accounts.ts';
import type { Partition } from './partitions.ts';

/** Accounts of one partition that are filled together, and are there together. */
export interface Unit {
  readonly partition: string;
  readonly accounts: readonly SeedAccount[];
  readonly records: number;
}

/** An interrupted seed has to do so many again, at most. */
const recordsMax = 10_000;

/** Shares accounts out, the largest unit first: the two connections end at about the same time. */
export function unitsOf(accounts: readonly SeedAccount[], partitions: readonly Partition[]): Unit[] {
  const units: { partition: string; accounts: SeedAccount[]; records: number }[] = [];
  for (const { name, accounts: own } of partitions) {
    let open: (typeof units)[number] | undefined;
    for (const account of accounts) {
      if (!own.has(account.id)) continue;
      if (open === undefined || open.records + account.records > recordsMax) {
        open = { partition: name, accounts: [], records: 0 };
        units.push(open);
      }
      open.accounts.push(account);
      open.records += account.records;
    }
  }
  return units.sort((one, other) => other.records - one.records);
}
