import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { isScramVerifier, scramMatches, scramVerifier } from './scram.ts';

/** The roles that log in. Their passwords are given at each start and stored as verifiers only. */
export const loginRoles = ['record_migrator', 'auth_app', 'record_app'] as const;
export type LoginRole = (typeof loginRoles)[number];

export interface BootstrapOptions {
  /** Of a superuser, straight to PostgreSQL, naming the database to prepare. */
  readonly url: string;
  /** A password, or its verifier where whoever deploys keeps the password to itself and gives PgBouncer that same verifier. */
  readonly passwords: Readonly<Record<LoginRole, string>>;
  /** Connections that auth_app and record_app may each have, where it isn't what bootstrap.sql says: for servers with many databases. */
  readonly connectionsMax?: number;
}

export const bootstrapSql = (): string => readFileSync(new URL('../../db/bootstrap.sql', import.meta.url), 'utf8');

/**
 * Does what only a superuser can: roles with their passwords, extensions, and who may enter the database. Safe to repeat.
 * A password that is already right keeps its verifier.
 * @returns the SCRAM verifier of each role, which is what PgBouncer's auth_file must hold: with the very same one it can log in to the server.
 */
export async function bootstrap({ url, passwords, connectionsMax }: BootstrapOptions): Promise<Record<LoginRole, string>> {
  const sql = postgres(url, { max: 1, prepare: false, fetch_types: false, connect_timeout: 5, onnotice: () => {} });
  try {
    return await sql.begin(async (transaction) => {
      await transaction.unsafe(bootstrapSql()).simple();
      if (connectionsMax !== undefined)
        for (const role of ['auth_app', 'record_app'])
          await transaction.unsafe(`alter role ${role} connection limit ${Number(connectionsMax)}`);
      const stored = new Map(
        (await transaction`select rolname, rolpassword from pg_catalog.pg_authid where rolname in ${transaction([...loginRoles])}`).map(
          (role) => [role.rolname, role.rolpassword],
        ),
      );
      const verifiers = {} as Record<LoginRole, string>;
      for (const role of loginRoles) {
        const current = stored.get(role) ?? null;
        const given = passwords[role];
        verifiers[role] = isScramVerifier(given) ? given : scramMatches(current, given) ? current : scramVerifier(given);
        // A verifier has no quote in it: base64, digits, "$" and ":".
        if (verifiers[role] !== current) await transaction.unsafe(`alter role ${role} password '${verifiers[role]}'`);
      }
      return verifiers;
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}
