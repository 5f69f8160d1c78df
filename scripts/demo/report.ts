import { DemoFailed } from './edge.ts';

/** Prints the demo's steps as they are done, one line each: what, over which protocol, how long; details below it. */
export class Report {
  private count = 0;
  private readonly began = performance.now();
  private readonly protocols = new Set<string>();

  /**
   * Does one step and prints it.
   * @param work answers with the protocol that was really spoken, the call as a client writes it, and details for the reader
   */
  async step<Result>(
    what: string,
    work: () => Promise<{ protocol: string; call: string; details?: readonly string[]; result: Result }>,
  ): Promise<Result> {
    const start = performance.now();
    const { protocol, call, details = [], result } = await work();
    const took = milliseconds(performance.now() - start);
    this.count += 1;
    this.protocols.add(protocol);
    print(`${String(this.count).padStart(2)}. ${padded(what, 46)} ${protocol.padEnd(6)} ${took.padStart(7)}   ${decodeURIComponent(call)}`);
    for (const line of details) print(`      ${line}`);
    return result;
  }

  end(origin: string): void {
    const took = milliseconds(performance.now() - this.began);
    print(`\n${this.count} steps over ${[...this.protocols].sort().join(', ')} in ${took}, all as expected, at ${origin}.`);
  }
}

export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Han, kana and Hangul take two columns of a terminal. */
const padded = (text: string, columns: number): string =>
  text +
  ' '.repeat(
    Math.max(
      0,
      columns - text.length - (text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu) ?? []).length,
    ),
  );

const milliseconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** The demo looks at what it gets. @throws DemoFailed naming what was expected and what came */
export function expect(what: string, fulfilled: boolean, came: unknown): void {
  if (!fulfilled) throw new DemoFailed(`Expected ${what}, but what came was ${JSON.stringify(came)}`);
}
