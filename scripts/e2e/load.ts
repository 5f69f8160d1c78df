import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { type GetRecordResponse, Record, RecordsServiceClient } from '../../proto/generated/records.ts';
import type { Edge } from '../demo/edge.ts';
import { grpcClients } from '../demo/grpc.ts';
import { grpcAttempt, http2Attempts, type Outcome } from './attempts.ts';

/** A registered account, and records of it that are read. */
export interface Account {
  readonly token: string;
  readonly ids: readonly string[];
}

/** What is done, and how often a second: light, on two cores that do other things too. */
const perSecond = {
  'REST read': 24,
  'gRPC read': 12,
  'gRPC read without retry': 6,
  'REST write': 8,
  'gRPC write': 6,
} as const;
export type Kind = keyof typeof perSecond;
const kinds = Object.keys(perSecond) as Kind[];

/** What became of one kind's attempts since the last look. */
export interface Tally {
  good: number;
  unavailable: number;
  lost: number;
  /** What must never be, in words. */
  readonly strange: string[];
  /** Reasons of the lost ones, each once. */
  readonly why: Set<string>;
  /** The slowest attempt. */
  slowestMs: number;
  /** The longest time without a good one. */
  gapMs: number;
  lastGoodAt: number;
}

export type Tallies = Readonly<{ [kind in Kind]: Tally }>;

/** One write: its name is the record's, and its key goes with each attempt. */
interface Write {
  readonly name: string;
  readonly account: Account;
  /** The id that the acknowledgement gave. */
  id?: string;
}

export interface Load {
  /** What has happened since the last `take`. */
  readonly tallies: Tallies;
  /** Begins to count anew. @returns what happened until now */
  take(): Tallies;
  /** Starts writes beside the steady ones, all at once. */
  burst(count: number): void;
  /** Milliseconds since an attempt was last anything but good. */
  quietMs(): number;
  /** Starts nothing more until `resume`, and waits until every write that was begun is acknowledged. @returns all writes so far */
  pause(): Promise<readonly Write[]>;
  resume(): void;
  stop(): Promise<void>;
}

/**
 * An open loop: each request begins at its own time, whatever became of those before it, so that a part that stands still is seen by
 * everybody who would have come. Accounts and records are chosen at random. A write is tried again with its key until it is
 * acknowledged, after the time that a refusal names, as a good client does.
 */
export function startLoad(edge: Edge, accounts: readonly Account[]): Load {
  const rest = http2Attempts(edge);
  const grpc = grpcClients(edge);
  const plain = new RecordsServiceClient(`${edge.address}:${edge.port}`, credentials.createSsl(edge.ca), {
    'grpc.enable_retries': 0,
    'grpc.ssl_target_name_override': edge.host,
    'grpc.default_authority': `${edge.host}:${edge.port}`,
    // A client that was cut off comes back as soon as the others.
    'grpc.max_reconnect_backoff_ms': 1000,
  });
  const writes: Write[] = [];
  const underway = new Set<Promise<void>>();
  let tallies = newTallies();
  let troubleAt = 0;
  let going = true;
  let stopped = false;

  const count = (kind: Kind, outcome: Outcome, tookMs: number): Outcome => {
    const tally = tallies[kind];
    const now = performance.now();
    tally.slowestMs = Math.max(tally.slowestMs, tookMs);
    if (outcome.how === 'good') {
      tally.good += 1;
      tally.gapMs = Math.max(tally.gapMs, now - tally.lastGoodAt);
      tally.lastGoodAt = now;
      return outcome;
    }
    troubleAt = now;
    if (outcome.how === 'strange') tally.strange.push(outcome.what);
    else tally[outcome.how] += 1;
    if (outcome.how === 'lost') tally.why.add(outcome.why);
    return outcome;
  };
  const timed = async (kind: Kind, attempt: () => Promise<Outcome>): Promise<Outcome> => {
    const began = performance.now();
    const outcome = await attempt();
    return count(kind, outcome, performance.now() - began);
  };

  const read = async (kind: Kind): Promise<void> => {
    const { token, ids } = oneOf(accounts);
    const recordId = oneOf(ids);
    const idOf = ({ record }: GetRecordResponse) => record?.id ?? '';
    await timed(kind, async () => {
      if (kind === 'REST read') {
        const path = Math.random() < 0.5 ? `/api/records/${recordId}` : '/api/records?q=record&limit=5';
        return rest.send({ method: 'GET', path, token }, 200);
      }
      const client = kind === 'gRPC read' ? grpc.records : plain;
      return grpcAttempt(client, client.getRecord, { recordId, userId: '' }, token, idOf);
    });
  };
  const write = async (kind: 'REST write' | 'gRPC write'): Promise<void> => {
    const written: Write = { name: `written ${randomUUID()}`, account: oneOf(accounts) };
    writes.push(written);
    const body = { artist: 'Ledger', name: written.name };
    const key = randomUUID();
    const { token } = written.account;
    const attempt = (): Promise<Outcome> =>
      kind === 'REST write'
        ? rest.send({ method: 'POST', path: '/api/records', body, token, headers: { 'idempotency-key': key } }, 201)
        : grpcAttempt(
            grpc.records,
            grpc.records.createRecord,
            { userId: '', record: Record.fromPartial(body), requestId: key },
            token,
            ({ record }) => record?.id ?? '',
          );
    while (!stopped) {
      const outcome = await timed(kind, attempt);
      if (outcome.how === 'good') {
        written.id = outcome.id;
        return;
      }
      await sleep(outcome.how === 'unavailable' ? outcome.retryAfterSeconds * 1000 : 100);
    }
  };
  const begin = (kind: Kind): void => {
    const run = kind === 'REST write' || kind === 'gRPC write' ? write(kind) : read(kind);
    underway.add(run);
    run.finally(() => underway.delete(run));
  };
  const timers = kinds.map((kind) => setInterval(() => going && begin(kind), 1000 / perSecond[kind]));

  return {
    get tallies() {
      return tallies;
    },
    take: () => {
      const taken = tallies;
      for (const kind of kinds) taken[kind].gapMs = Math.max(taken[kind].gapMs, performance.now() - taken[kind].lastGoodAt);
      tallies = newTallies();
      return taken;
    },
    burst: (number) => {
      for (let index = 0; index < number; index += 1) begin(index % 2 === 0 ? 'REST write' : 'gRPC write');
    },
    quietMs: () => performance.now() - troubleAt,
    pause: async () => {
      going = false;
      await Promise.all(underway);
      return writes;
    },
    resume: () => {
      going = true;
      // The pause is no gap.
      for (const kind of kinds) tallies[kind].lastGoodAt = performance.now();
    },
    stop: async () => {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      await Promise.all(underway);
      rest.close();
      grpc.close();
      plain.close();
    },
  };
}

function newTallies(): { [kind in Kind]: Tally } {
  const tally = (): Tally => ({
    good: 0,
    unavailable: 0,
    lost: 0,
    strange: [],
    why: new Set(),
    slowestMs: 0,
    gapMs: 0,
    lastGoodAt: performance.now(),
  });
  return Object.fromEntries(kinds.map((kind) => [kind, tally()])) as { [kind in Kind]: Tally };
}

function oneOf<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}
