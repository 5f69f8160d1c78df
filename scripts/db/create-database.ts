import postgres from 'postgres';

/**
 * Makes a database where it isn't there yet.
 * @param url of a superuser, straight to PostgreSQL, naming the database to make
 */
export async function createDatabase(url: string): Promise<void> {
  const server = new URL(url);
  const name = decodeURIComponent(server.pathname.slice(1));
  server.pathname = '/postgres';
  const sql = postgres(server.href, { max: 1, fetch_types: false, connect_timeout: 5, onnotice: () => {} });
  try {
    const [found] = await sql`select from pg_catalog.pg_database where datname = ${name}`;
    if (found === undefined) await sql`create database ${sql(name)}`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
