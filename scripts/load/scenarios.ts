import type { Mix } from './requests.ts';
import { collectors } from './requests.ts';
import type { Schedule } from './schedule.ts';

/** What a scenario does, and what it asks for where nothing else is said. */
export interface Scenario {
  readonly says: string;
  readonly defaults: {
    readonly rate: number;
    readonly seconds: number;
    readonly requests: number;
    readonly runs: number;
    readonly mix: Mix;
  };
  /** Waits until the functions of the mix have no pod before each run. "where seen": only where there is a cluster to look at. */
  readonly fromZero: 'never' | 'where seen' | 'always';
  /** Seconds that the pods are watched after the last answer, at most: until they are gone. */
  readonly watchSeconds: number;
  readonly schedule: (options: { rate: number; seconds: number; requests: number }) => Schedule;
}

const defaults = { rate: 50, seconds: 60, requests: 200, runs: 1, mix: collectors };
/** One function alone, so that each request is for the pods that are counted. */
const readsAlone: Mix = { get: 1 };

export const scenarios = {
  steady: {
    says: 'the same rate for some seconds',
    defaults,
    fromZero: 'never',
    watchSeconds: 0,
    schedule: ({ rate, seconds }) => ({ burst: 0, phases: [{ seconds, from: rate, to: rate }] }),
  },
  ramp: {
    says: 'from nothing up to the rate, and down again; then the pods are watched until they are gone',
    defaults: { ...defaults, seconds: 120 },
    fromZero: 'never',
    watchSeconds: 150,
    schedule: ({ rate, seconds }) => ({
      burst: 0,
      phases: [
        { seconds: 0.4 * seconds, from: 0, to: rate },
        { seconds: 0.2 * seconds, from: rate, to: rate },
        { seconds: 0.4 * seconds, from: rate, to: 0 },
      ],
    }),
  },
  burst: {
    says: 'waits until there is no pod, then sends all requests at once',
    defaults: { ...defaults, mix: readsAlone },
    fromZero: 'where seen',
    watchSeconds: 150,
    schedule: ({ requests }) => ({ burst: requests, phases: [] }),
  },
  'from-zero': {
    says: 'waits until there is no pod, then sends one request; and again',
    defaults: { ...defaults, runs: 5, mix: readsAlone },
    fromZero: 'always',
    watchSeconds: 0,
    schedule: () => ({ burst: 1, phases: [] }),
  },
  rollout: {
    says: 'the same rate while a command runs (--during), 10 s before it and after it',
    // The seconds are the most that the whole may take.
    defaults: { ...defaults, seconds: 600 },
    fromZero: 'never',
    watchSeconds: 0,
    schedule: ({ rate, seconds }) => ({ burst: 0, phases: [{ seconds, from: rate, to: rate }] }),
  },
} as const satisfies { readonly [name: string]: Scenario };

export type ScenarioName = keyof typeof scenarios;
export const scenarioNames = Object.keys(scenarios) as ScenarioName[];
