import { createInterface } from 'node:readline';

/** What a client saw in one window. */
export interface LoadResult {
  readonly calls: number;
  /** Answers that were not what was asked for, whatever their status, and calls without one. */
  readonly wrong: number;
  readonly seconds: number;
}

/** Reads seconds from standard input, line by line; calls `ask` for so long, `concurrency` at once; prints a LoadResult as a line of JSON. */
export async function answerWindows(concurrency: number, ask: () => Promise<boolean>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const began = performance.now();
    const until = began + Number(line) * 1000;
    let calls = 0;
    let wrong = 0;
    const follow = async (): Promise<void> => {
      while (performance.now() < until) {
        const right = await ask();
        calls++;
        if (!right) wrong++;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, follow));
    const result: LoadResult = { calls, wrong, seconds: (performance.now() - began) / 1000 };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}
