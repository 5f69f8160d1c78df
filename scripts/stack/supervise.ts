import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from './part.ts';

/** A part that is started again when it dies. */
export interface Supervised {
  /** The process that runs now. */
  readonly part: Part;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** The first pause is short, for a crash; it doubles while the part keeps dying, and is short again after it lived a while. */
const pauseMinMs = 100;
const pauseMaxMs = 10_000;
const livedMs = 20_000;

/**
 * Starts a part and starts it again whenever it ends by itself.
 * @param start makes the part; called again for each life
 * @param say is told of each death and each failed start, in one line
 * @throws what `start` throws the first time
 */
export async function supervise(start: () => Promise<Part>, say: (line: string) => void): Promise<Supervised> {
  let part = await start();
  const stopping = new AbortController();
  const watch = async (): Promise<void> => {
    let pause = pauseMinMs;
    while (!stopping.signal.aborted) {
      const since = performance.now();
      const how = await part.ended;
      if (stopping.signal.aborted) return;
      pause = performance.now() - since > livedMs ? pauseMinMs : pause;
      say(`${part.name} (pid ${part.pid}) ended: ${how}. It is started again in ${pause} ms.`);
      for (;;) {
        await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
        pause = Math.min(pause * 2, pauseMaxMs);
        if (stopping.signal.aborted) return;
        try {
          part = await start();
          say(`${part.name} runs again (pid ${part.pid}).`);
          break;
        } catch (error) {
          say(`${part.name} could not be started again; next try in ${pause} ms. ${(error as Error).message}`);
        }
      }
    }
  };
  const watching = watch();
  return {
    get part() {
      return part;
    },
    stop: async () => {
      stopping.abort();
      await part.stop();
      await watching;
      // It may have been started anew while it was told to stop.
      await part.stop();
    },
  };
}
