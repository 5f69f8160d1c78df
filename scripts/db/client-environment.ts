/** Tells psql, pg_dump and the like where to go. By environment, because arguments are seen by everybody on the machine. */
export function clientEnvironment(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    ...Object.fromEntries(
      ['PATH', 'HOME', 'TERM', 'LANG', 'PAGER', 'PSQL_EDITOR', 'EDITOR'].flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    PGHOST: hostname,
    PGPORT: port || '5432',
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    PGCONNECT_TIMEOUT: '5',
  };
}
