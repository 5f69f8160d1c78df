import { createReadStream, lstatSync } from 'node:fs';

/** One path of a layer. A file has `from` or `content`. */
export interface Entry {
  /** "usr/bin/node", without a leading slash. */
  readonly path: string;
  /** 0o755. A folder's that isn't named is 0o755. */
  readonly mode: number;
  /** A file of this machine whose bytes it holds. */
  readonly from?: string;
  readonly content?: string | Uint8Array;
  /** Target of a symbolic link. */
  readonly link?: string;
  readonly directory?: true;
  /** uid and gid; 0 otherwise. */
  readonly owner?: number;
}

const block = 512;

/**
 * A tar archive (POSIX ustar) of the entries and the folders that they need, in order of their paths. The same entries give the
 * same bytes: owners are numbers, and every time is 0.
 * @throws Error where a path does not fit into ustar (100 bytes, or 155 and 100 around a slash)
 */
export async function* tar(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  for (const entry of withFolders(entries)) {
    const size = sizeOf(entry);
    yield header(entry, size);
    if (entry.from !== undefined) yield* bytesOf(entry.from, size);
    else if (entry.content !== undefined) yield Buffer.from(entry.content);
    yield new Uint8Array((block - (size % block)) % block);
  }
  yield new Uint8Array(2 * block);
}

/** Every entry once, after the folders that it stands in. */
export function withFolders(entries: readonly Entry[]): Entry[] {
  const all = new Map<string, Entry>();
  for (const entry of entries) {
    const before = all.get(entry.path);
    if (before !== undefined && !(before.directory && entry.directory)) throw new Error(`${entry.path} stands twice in a layer`);
    all.set(entry.path, entry);
  }
  for (const { path } of entries)
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      if (!all.has(folder)) all.set(folder, { path: folder, mode: 0o755, directory: true });
    }
  // By code units and not by a language's rules: the same on every machine. A folder comes before what is in it.
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function sizeOf({ from, content }: Entry): number {
  if (from !== undefined) return lstatSync(from).size;
  return content === undefined ? 0 : Buffer.byteLength(content as string);
}

async function* bytesOf(path: string, size: number): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    read += chunk.length;
    yield chunk;
  }
  if (read !== size) throw new Error(`${path} changed while it was read`);
}

function header({ path, mode, link, directory, owner = 0 }: Entry, size: number): Uint8Array {
  const bytes = Buffer.alloc(block);
  const [prefix, name] = splitPath(directory ? `${path}/` : path);
  const text = (value: string, at: number, length: number) => {
    if (Buffer.byteLength(value) > length) throw new Error(`${value} is longer than the ${length} bytes that tar has for it`);
    bytes.write(value, at);
  };
  const octal = (value: number, at: number, length: number) => text(`${value.toString(8).padStart(length - 1, '0')}\0`, at, length);
  text(name, 0, 100);
  octal(mode, 100, 8);
  octal(owner, 108, 8);
  octal(owner, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12); // time of change
  text(directory ? '5' : link !== undefined ? '2' : '0', 156, 1);
  text(link ?? '', 157, 100);
  text('ustar\x0000', 257, 8);
  octal(0, 329, 8);
  octal(0, 337, 8);
  text(prefix, 345, 155);
  // The sum of all bytes with eight blanks in the sum's own place.
  bytes.fill(' ', 148, 156);
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return bytes;
}

/** A path of more than 100 bytes is cut at a slash. */
function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  const cut = path.indexOf('/', Math.max(0, path.length - 101));
  return [path.slice(0, cut), path.slice(cut + 1)];
}
