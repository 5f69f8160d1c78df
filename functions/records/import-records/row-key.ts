import { hash } from 'node:crypto';
import type { Record } from '../../../proto/generated/records.ts';

/**
 * What an imported row is known by, so that it is found again when the file is sent again, in whatever order and with whatever in between:
 * Discogs' release and when the copy was added, which Discogs never changes; without a release what the record is called. Notes, grades,
 * folder and rating are no part of it: they change. The caller adds which copy of these it is.
 */
export function keyOf(record: Record): string {
  const added = record.addedAt?.replace(/\D/g, '').slice(0, 14) ?? '';
  if (record.discogsReleaseId !== undefined) return `discogs:${record.discogsReleaseId}:${added}`;
  const names = [record.artist, record.name, record.catalogNumber, record.label, record.format, added];
  return `row:${hash('sha256', JSON.stringify(names), 'base64url').slice(0, 27)}`;
}
