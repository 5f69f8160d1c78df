import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A numbered file of db/migrations. */
export interface Migration {
  readonly version: number;
  /** The file's name: "0001_roles_and_schemas.sql". */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file, hex. */
  readonly checksum: string;
}

export const migrationsFolder = fileURLToPath(new URL('../../db/migrations/', import.meta.url));

/**
 * Reads the numbered migrations of a folder, in their order.
 * @throws Error where a file is misnamed or two have one number: two branches took it, and one must be renumbered.
 */
export function readMigrations(folder = migrationsFolder): Migration[] {
  const migrations = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name): Migration => {
      const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1];
      if (number === undefined) throw new Error(`${name} is no migration's name: rename it like 0004_what_it_does.sql`);
      const sql = readFileSync(new URL(name, `file://${folder.endsWith('/') ? folder : `${folder}/`}`), 'utf8');
      return { version: Number(number), name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
  for (const [index, { version, name }] of migrations.entries()) {
    const before = migrations[index - 1];
    if (before?.version === version) throw new Error(`${before.name} and ${name} have one number: give the later one the next free number`);
  }
  return migrations;
}
