import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** @returns what gives all that a file has got since now */
export function follow(path: string): () => string {
  const from = statSync(path).size;
  return () => {
    const bytes = Buffer.alloc(Math.max(0, statSync(path).size - from));
    const file = openSync(path, 'r');
    try {
      readSync(file, bytes, 0, bytes.length, from);
    } finally {
      closeSync(file);
    }
    return bytes.toString();
  };
}
