import { Record as RecordMessage } from '../../proto/generated/records.ts';

/** What every server of the protocol benches answers: a record of ordinary size. */
export const sampleRecord: RecordMessage = RecordMessage.fromPartial({
  id: '01932d5c-8f00-7000-8000-000000000001',
  userId: '01932d5c-8f00-7000-8000-0000000000aa',
  artist: 'Björk',
  name: 'Homogenic',
  format: 'LP, Album',
  catalogNumber: 'TPLP 71',
  recordGrade: 'NM',
  sleeveGrade: 'VG+',
  hasInsert: true,
  isPromo: false,
  price: '24.50',
  pricePaid: 24.5,
  currency: 'GBP',
  releaseYear: 1997,
  label: 'One Little Indian',
  createdAt: '2026-01-01T12:00:00.000Z',
  updatedAt: '2026-01-01T12:00:00.000Z',
  etag: '1',
});
