import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** What generation makes: path from the project's root → content. */
export type Outputs = ReadonlyMap<string, string | Uint8Array>;

/** Every file below the folders that only generation writes. */
function present(root: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
          .filter((entry) => entry.isFile())
          .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      : [],
  );
}

/**
 * Compares what generation makes with what stands there.
 * @returns one sentence for each file that is missing, stale or different; none means "unchanged".
 */
export function differences(root: string, folders: readonly string[], outputs: Outputs): string[] {
  const found: string[] = [];
  for (const [path, content] of outputs) {
    if (!existsSync(join(root, path))) found.push(`${path} is missing`);
    else if (!readFileSync(join(root, path)).equals(Buffer.from(content as string))) found.push(`${path} differs from its source`);
  }
  for (const path of present(root, folders)) if (!outputs.has(path)) found.push(`${path} has no source any more`);
  return found;
}

/** Writes what differs and deletes what has no source any more. @returns what was done, a sentence a file. */
export function writeOutputs(root: string, folders: readonly string[], outputs: Outputs): string[] {
  const done = differences(root, folders, outputs);
  for (const path of present(root, folders)) if (!outputs.has(path)) rmSync(join(root, path));
  for (const [path, content] of outputs) {
    const target = join(root, path);
    // Untouched files keep their times, so that nothing built from them looks stale.
    if (existsSync(target) && readFileSync(target).equals(Buffer.from(content as string))) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  return done;
}
