/**
 * Connections of one role that may be at work at once, on a PostgreSQL with so many cores: two for each, one that computes while another waits for
 * its commit. With more of them searches take turns on the cores, and each of them longer (docs/storage.md). At most what
 * db/pgbouncer/pgbouncer.ini has.
 */
export const poolSize = (cores: number): number => Math.max(4, Math.min(16, 2 * cores));
