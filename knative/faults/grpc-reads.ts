import type { Edge } from '../../scripts/demo/edge.ts';
import { grpcClients } from '../../scripts/demo/grpc.ts';
import { grpcAttempt, type Outcome } from '../../scripts/e2e/attempts.ts';
import type { Account } from '../../scripts/load/accounts.ts';

/** What became of gRPC reads by a client that tries again as its service config says. */
export interface GrpcReads {
  readonly requests: number;
  readonly failed: number;
  /** What was wrong, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly slowestMs: number;
}

const tickMs = 20;

/**
 * GetRecord over gRPC at an even rate, whatever becomes of the earlier ones (an open loop), with the client's retry policy. Each answer must
 * name the record that was asked for. (The load generator speaks gRPC, too, but tries nothing again.)
 * @param rate calls a second
 * @returns what ends it: no new calls, and the others are waited for
 */
export function startGrpcReads(edge: Edge, accounts: readonly Account[], rate: number): () => Promise<GrpcReads> {
  const { records, close } = grpcClients(edge);
  const underway = new Set<Promise<void>>();
  const reasons: Record<string, number> = {};
  const began = performance.now();
  let requests = 0;
  let slowestMs = 0;

  const read = async (): Promise<void> => {
    const due = performance.now();
    const account = accounts[requests % accounts.length] as Account;
    const { id } = account.records[requests % account.records.length] as Account['records'][number];
    requests += 1;
    const ask = { recordId: id, userId: '' };
    const outcome = await grpcAttempt(records, records.getRecord, ask, account.token, ({ record }) => record?.id ?? '');
    slowestMs = Math.max(slowestMs, performance.now() - due);
    const wrong = wrongOf(outcome, id);
    if (wrong !== undefined) reasons[wrong] = (reasons[wrong] ?? 0) + 1;
  };
  const timer = setInterval(() => {
    while (requests < ((performance.now() - began) * rate) / 1000) {
      const call = read();
      underway.add(call);
      call.finally(() => underway.delete(call));
    }
  }, tickMs);
  return async () => {
    clearInterval(timer);
    await Promise.all(underway);
    close();
    const failed = Object.values(reasons).reduce((sum, count) => sum + count, 0);
    return { requests, failed, reasons, slowestMs: Math.round(slowestMs) };
  };
}

function wrongOf(outcome: Outcome, id: string): string | undefined {
  if (outcome.how === 'good') return outcome.id === id ? undefined : 'another record';
  return outcome.how === 'lost' ? outcome.why : outcome.how === 'strange' ? outcome.what : 'refused for now, after every try';
}
